//! Flask's template idioms, each rendered for a session that came from a cookie. What is expected
//! is what Flask 3.1 renders, unless a test says otherwise.

use std::sync::{Arc, Mutex};

use axum::{Router, routing::get};
use hipflask::{
    Session,
    templates::{Page, Routes, TemplateError, Templates, minijinja::context},
};
use hipflask_core::value::{Text, Value};
use http::StatusCode;
use serde::Serialize;

use crate::app::{self, cookie, set_cookies, text};

const ALL_KINDS: &str = concat!(
    r#"{"big":123456789012345678901234567890123456789012345,"bytes":{" b":"eCciAA=="},"#,
    r#""date":{" d":"Fri, 21 Nov 2025 02:40:00 GMT"},"dict":{"k":"v"},"float":1e20,"#,
    r#""list":[null,true,1.5],"lone":"a\ud800","markup":{" m":"<b>x</b>"},"none":null,"#,
    r#""nan":NaN,"tuple":{" t":[1,"a"]},"uuid":{" u":"12345678123456781234567812345678"}}"#
);

fn routes() -> Routes {
    Routes::new()
        .with("home", "/")
        .with("profile", "/users/{id}/edit")
        .with("static", "/static/{*filename}")
}

/// Gives `make` the session that a cookie with this payload opens, as a handler gets it, and
/// returns what it made and whether the response changed the cookie.
async fn in_request<T, F>(json: &str, make: F) -> (T, bool)
where
    T: Send + 'static,
    F: Fn(&Session) -> T + Clone + Send + Sync + 'static,
{
    let made = Arc::new(Mutex::new(None));
    let shared = Arc::clone(&made);
    let handler = async move |session: Session| {
        *shared.lock().unwrap() = Some(make(&session));
    };
    let app = Router::new().route("/", get(handler)).layer(app::layer(&app::config()));
    let response = app::get(&app, "/", &[&cookie(json)]).await;
    assert_eq!(response.status(), StatusCode::OK);
    let made = made.lock().unwrap().take().unwrap();
    (made, !set_cookies(&response).is_empty())
}

async fn render(json: &str, source: &'static str) -> String {
    let templates = Templates::new(routes()).with_source("t.html", source).unwrap();
    let (page, _) = in_request(json, move |session| {
        templates.render(session, "t.html", context! { x => "<i>" })
    })
    .await;
    page.unwrap_or_else(|error| error.to_string())
}

async fn check(json: &str, source: &'static str, expected: &str) {
    assert_eq!(render(json, source).await, expected, "{source}");
}

#[tokio::test]
async fn session_is_read_in_flasks_ways() {
    let json = r#"{"USERNAME":"julian","n":3}"#;
    check(json, r#"{{ session["USERNAME"] }} {{ session['n'] }}"#, "julian 3").await;
    check(json, "{{ session.USERNAME }} {{ session.n + 1 }}", "julian 4").await;
    check(json, "{{ 'USERNAME' in session }} {{ 'x' in session }}", "True False").await;
    check(json, "{{ session.get('USERNAME') }} {{ session.get('x') }}", "julian None").await;
    check(json, "{{ session.get('x', 'nobody') }}", "nobody").await;
    check(json, "{{ session.x }}{{ session['x'] }}{{ session[0] }}", "").await;
    check(json, "{% if session['USERNAME'] %}in{% else %}out{% endif %}", "in").await;
    check(json, "{% if session.x %}in{% else %}out{% endif %}", "out").await;
    check(
        json,
        "{{ session|length }}{% for key in session %} {{ key }}{% endfor %}",
        "2 USERNAME n",
    )
    .await;
    check(
        json,
        "{% for k, v in session.items() %}{{ k }}={{ v }};{% endfor %}",
        "USERNAME=julian;n=3;",
    )
    .await;
    check("{}", "{% if session %}some{% else %}none{% endif %}{{ session|length }}", "none0").await;
}

#[tokio::test]
async fn session_has_flasks_attributes() {
    let permanent = r#"{"_permanent":true}"#;
    check(permanent, "{{ session.permanent }} {{ session._permanent }}", "True True").await;
    check("{}", "{{ session.permanent }} {{ session.modified }}", "False False").await;
    check("{}", "{{ 'permanent' in session }}", "False").await;
    check(r#"{"new":"car"}"#, "{{ session['new'] }} {{ session.new }}", "car False").await;
}

#[tokio::test]
async fn every_kind_is_printed_as_python_prints_it() {
    let json = ALL_KINDS;
    check(json, "{{ session.big }}", "123456789012345678901234567890123456789012345").await;
    check(json, "{{ session.bytes }}", r"b&#39;x\&#39;&#34;\x00&#39;").await;
    check(json, "{{ session.date }}", "2025-11-21 02:40:00+00:00").await;
    check(json, "{{ session.dict }} {{ session.dict.k }}", "{&#39;k&#39;: &#39;v&#39;} v").await;
    check(json, "{{ session.dict.items()|list }}", "[(&#39;k&#39;, &#39;v&#39;)]").await;
    check(json, "{{ session.float }} {{ session.nan }}", "1e+20 nan").await;
    check(json, "{{ session.list }}", "[None, True, 1.5]").await;
    check(json, "{{ session.lone }}", "a\u{fffd}").await;
    check(json, "{{ session.markup }}", "<b>x</b>").await;
    check(json, "{{ session.none }} {{ session.none is none }}", "None True").await;
    check(json, "{{ session.tuple }} {{ session.tuple[1] }}", "(1, &#39;a&#39;) a").await;
    check(json, "{{ session.uuid }}", "12345678-1234-5678-1234-567812345678").await;
}

#[tokio::test]
async fn values_are_live() {
    let templates = Templates::new(routes()).with_source("t.html", "{{ session.n }}").unwrap();
    let (pages, changed) = in_request(r#"{"n":1}"#, move |session| {
        let before = templates.render(session, "t.html", ()).unwrap();
        session.insert("n", 2).unwrap();
        (before, templates.render(session, "t.html", ()).unwrap())
    })
    .await;
    assert_eq!(pages, ("1".into(), "2".into()));
    assert!(changed);
}

#[tokio::test]
async fn template_cannot_change_the_session() {
    for source in
        ["{{ session.pop('n') }}", "{{ session.update({'n': 2}) }}", "{{ session.clear() }}"]
    {
        let text = render(r#"{"n":1}"#, source).await;
        let expected = "a template cannot change the session; do so in the handler (in t.html:1)";
        assert!(text.ends_with(expected), "{text}");
    }
    let templates =
        Templates::new(routes()).with_source("t.html", "{{ session.items() }}").unwrap();
    let (_, changed) =
        in_request(r#"{"n":1}"#, move |session| templates.render(session, "t.html", ()).is_ok())
            .await;
    assert!(!changed);
}

const FLASHES: &str = concat!(
    r#"{"_flashes":[{" t":["message","hi <you>"]},{" t":["error",{" m":"<b>no</b>"}]},"#,
    r#"{" t":["err","short"]}]}"#
);

#[tokio::test]
async fn flashes_are_shown_in_flasks_ways() {
    check(
        FLASHES,
        "{% for category, message in get_flashed_messages(with_categories=true) %}\
         <p class=\"{{ category }}\">{{ message }}</p>{% endfor %}",
        "<p class=\"message\">hi &lt;you&gt;</p><p class=\"error\"><b>no</b></p>\
         <p class=\"err\">short</p>",
    )
    .await;
    let with = "{% with messages = get_flashed_messages() %}{% if messages %}<ul>\
        {% for message in messages %}<li>{{ message }}</li>{% endfor %}</ul>{% endif %}{% endwith %}";
    let shown = "<ul><li>hi &lt;you&gt;</li><li><b>no</b></li><li>short</li></ul>";
    check(FLASHES, with, shown).await;
    check("{}", with, "").await;
    check(FLASHES, "{{ get_flashed_messages(true)[2] }}", "(&#39;err&#39;, &#39;short&#39;)").await;
}

#[tokio::test]
async fn category_filter_is_pythons_in() {
    check(FLASHES, "{{ get_flashed_messages(category_filter=[\"error\"])|join }}", "<b>no</b>")
        .await;
    check(FLASHES, "{{ get_flashed_messages(category_filter=('err',)) }}", "[&#39;short&#39;]")
        .await;
    check(FLASHES, "{{ get_flashed_messages(category_filter='error')|length }}", "2").await;
    check(FLASHES, "{{ get_flashed_messages(category_filter=[])|length }}", "3").await;
    check(FLASHES, "{{ get_flashed_messages(false, ['err'])[0] }}", "short").await;
    check(FLASHES, "{{ get_flashed_messages(true, category_filter=['err'])|length }}", "1").await;
    let text = render(FLASHES, "{{ get_flashed_messages(categories=true) }}").await;
    assert!(text.contains("categories"), "{text}");
}

#[tokio::test]
async fn flashes_are_taken_once_and_stay_for_the_request() {
    let source =
        "{{ get_flashed_messages(category_filter=['err']) }}{{ get_flashed_messages()|length }}";
    let templates = Templates::new(routes()).with_source("t.html", source).unwrap();
    let ((page, left), changed) = in_request(FLASHES, move |session| {
        (templates.render(session, "t.html", ()).unwrap(), session.len())
    })
    .await;
    assert_eq!((page.as_str(), left), ("[&#39;short&#39;]3", 0));
    assert!(changed);
}

#[tokio::test]
async fn no_flash_leaves_the_cookie_alone() {
    let templates =
        Templates::new(routes()).with_source("t.html", "{{ get_flashed_messages() }}").unwrap();
    let (page, changed) =
        in_request(r#"{"n":1}"#, move |session| templates.render(session, "t.html", ()).unwrap())
            .await;
    assert_eq!((page.as_str(), changed), ("[]", false));
}

#[tokio::test]
async fn flashes_cannot_be_taken_after_the_response_has_started() {
    let templates =
        Templates::new(routes()).with_source("t.html", "{{ get_flashed_messages() }}").unwrap();
    let (session, _) = in_request(FLASHES, Session::clone).await;
    let error = templates.render(&session, "t.html", ()).unwrap_err();
    let text = "get_flashed_messages failed (in t.html:1): \
        the session cannot be changed after the response has started, so change it before";
    assert_eq!(error.to_string(), format!("invalid operation: {text}"));
}

#[tokio::test]
async fn url_for_names_routes() {
    check("{}", "{{ url_for('home') }}", "/").await;
    check("{}", "{{ url_for('profile', id=3) }}", "/users/3/edit").await;
    check("{}", "{{ url_for('profile', id='a b/ü') }}", "/users/a%20b%2F%C3%BC/edit").await;
    check("{}", "{{ url_for('static', filename='css/style.css') }}", "/static/css/style.css").await;
    check(
        "{}",
        "{{ url_for('profile', id=3, b=2, a=[1, 2], n=none, t=true, f=1.5, e='', _anchor='x y') }}",
        "/users/3/edit?b=2&amp;a=1&amp;a=2&amp;t=True&amp;f=1.5&amp;e=#x%20y",
    )
    .await;
    check("{}", "{{ url_for('home', _external=false, next=url_for('home')) }}", "/?next=/").await;
}

#[tokio::test]
async fn url_for_tells_what_is_wrong() {
    let text = render("{}", "\n{{ url_for('nope') }}").await;
    let names = "there are `home`, `profile`, `static`";
    assert!(text.ends_with(&format!("(in t.html:2): no route has this name; {names}")), "{text}");
    for source in ["{{ url_for('profile') }}", "{{ url_for('profile', id=user) }}"] {
        let text = render("{}", source).await;
        assert!(text.ends_with("route `profile` needs a value for `id`"), "{text}");
    }
    let text = render("{}", "{{ url_for('home', _external=true) }}").await;
    assert!(text.contains("`_external` is not supported"), "{text}");
}

#[tokio::test]
async fn autoescape_is_on() {
    check("{}", "{{ x }} {{ x|safe }} {{ x|e }} {{ x|safe|e }}", "&lt;i&gt; <i> &lt;i&gt; <i>")
        .await;
    check("{}", "{{ \"/'\" }}{% autoescape false %}{{ x }}{% endautoescape %}", "/&#39;<i>").await;
    check(
        r#"{"a":"<script>"}"#,
        "{{ session.a }}{{ session.a ~ 'b' }}",
        "&lt;script&gt;&lt;script&gt;b",
    )
    .await;
    check("{}", "{{ {'a': '</script>'}|tojson }}", r#"{"a": "\u003c/script\u003e"}"#).await;
    let templates = Templates::new(routes()).with_source("t.txt", "{{ session.a }}").unwrap();
    let (page, _) = in_request(r#"{"a":"<a>"}"#, move |session| {
        templates.render(session, "t.txt", ()).unwrap()
    })
    .await;
    assert_eq!(page, "<a>");
}

#[tokio::test]
async fn templates_extend_include_and_import() {
    let templates = Templates::new(routes())
        .with_source("base.html", "<title>{% block title %}{% endblock %}</title>{% block main %}base{% endblock %}")
        .and_then(|t| t.with_source("menu.html", "[{{ session.USERNAME }}]"))
        .and_then(|t| {
            t.with_source("form.html", "{% macro link(name) %}<a href=\"{{ url_for(name) }}\">{{ session.USERNAME }}</a>{% endmacro %}")
        })
        .and_then(|t| {
            t.with_source(
                "page.html",
                "{% extends \"base.html\" %}{% from \"form.html\" import link with context %}\
                 {% block title %}{{ g.user.name }}{% endblock %}\
                 {% block main %}{{ super() }} {% include \"menu.html\" %} {{ link('home') }}{% endblock %}",
            )
        })
        .unwrap();
    let (page, _) = in_request(r#"{"USERNAME":"j&c"}"#, move |session| {
        let g = context! { user => context! { name => "Julian" } };
        templates.render_with_g(session, g, "page.html", ()).unwrap()
    })
    .await;
    assert_eq!(page, "<title>Julian</title>base [j&amp;c] <a href=\"/\">j&amp;c</a>");
}

#[derive(Serialize)]
struct User {
    id: u32,
    name: Option<&'static str>,
}

#[tokio::test]
async fn g_and_context_are_any_serializable_struct() {
    let source = "{{ g.id }} {{ g.name }} {{ id }} {{ name }} {{ g.get('x') }} {{ g.x }}|";
    let templates = Templates::new(routes())
        .with_source("t.html", source)
        .and_then(|t| t.with_source("no_g.html", "{% if g.user %}in{% else %}out{% endif %}"))
        .and_then(|t| t.with_source("own.html", "{{ session }} {{ g.id }}"))
        .unwrap();
    let (pages, _) = in_request("{}", move |session| {
        let (g, user) = (User { id: 1, name: None }, User { id: 2, name: Some("<b>") });
        [
            templates.render_with_g(session, g, "t.html", &user).unwrap(),
            templates.render(session, "no_g.html", ()).unwrap(),
            templates.render_with_g(session, None::<User>, "no_g.html", None::<User>).unwrap(),
            templates.render(session, "own.html", context! { session => "mine" }).unwrap(),
        ]
    })
    .await;
    assert_eq!(pages, ["1 None 2 &lt;b&gt; None |", "out", "out", "mine "]);
}

#[tokio::test]
async fn unusable_context_is_refused() {
    let templates = Templates::new(routes()).with_source("t.html", "ok").unwrap();
    let (texts, _) = in_request("{}", move |session| {
        let number = templates.render(session, "t.html", 3).unwrap_err();
        let keys = std::collections::HashMap::from([([1, 2], 3)]);
        let g = templates.render_with_g(session, vec![1], "t.html", keys).unwrap_err();
        [number, g].map(|error| error.to_string())
    })
    .await;
    let text = "context is not usable: could not serialize to value:";
    assert_eq!(texts[0], format!("{text} context must be a struct or a map, not a number"));
    assert_eq!(texts[1], format!("{text} g must be a struct or a map, not a sequence"));
}

struct Broken;

impl Serialize for Broken {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("out of ink"))
    }
}

#[tokio::test]
async fn context_that_does_not_serialize_is_refused() {
    let templates = Templates::new(routes()).with_source("t.html", "ok").unwrap();
    let (error, _) = in_request("{}", move |session| {
        templates.render(session, "t.html", Broken).unwrap_err().to_string()
    })
    .await;
    assert!(error.starts_with("context is not usable") && error.contains("out of ink"), "{error}");
}

#[tokio::test]
async fn missing_template_is_named() {
    let templates =
        Templates::new(routes()).with_source("t.html", "{% extends 'b.html' %}").unwrap();
    let (errors, _) = in_request("{}", move |session| {
        ["a.html", "t.html"].map(|name| templates.render(session, name, ()).unwrap_err())
    })
    .await;
    assert!(matches!(&errors[0], TemplateError::Missing(_)));
    assert_eq!(errors[0].to_string(), "template not found: template \"a.html\" does not exist");
    assert_eq!(errors[1].to_string(), "template not found (in t.html:1)", "it may be a value");
}

#[tokio::test]
async fn error_text_holds_no_value_of_the_session() {
    let templates =
        Templates::new(routes()).with_source("t.html", "{{ session.secret.a.b }}").unwrap();
    let (text, _) = in_request(r#"{"secret":"hunter2"}"#, move |session| {
        let error = templates.render(session, "t.html", context! { y => "hunter2" }).unwrap_err();
        format!("{error} {error:#} {error:?} {error:#?} {templates:?}")
    })
    .await;
    assert!(text.contains("t.html") && !text.contains("hunter2"), "{text}");
}

#[tokio::test]
async fn flash_from_rust_keeps_its_kind() {
    let templates = Templates::new(routes())
        .with_source("t.html", "{{ get_flashed_messages()|join(' ') }}")
        .unwrap();
    let (page, _) = in_request("{}", move |session| {
        session.flash("message", "a<b").unwrap();
        session.flash("message", Value::Markup(Text::from("<hr>"))).unwrap();
        session.flash("message", 7).unwrap();
        templates.render(session, "t.html", ()).unwrap()
    })
    .await;
    assert_eq!(page, "a&lt;b <hr> 7");
}

#[tokio::test]
async fn page_is_html_and_an_error_is_a_bare_500() {
    let templates = Templates::new(routes())
        .with_source("t.html", "<p>{{ session.n }}</p>")
        .and_then(|t| t.with_source("bad.html", "{{ url_for('secret_route') }}"))
        .unwrap();
    let other = templates.clone();
    let page = async move |session: Session| templates.page(&session, "t.html", ());
    let bad = async move |session: Session| -> Result<Page, TemplateError> {
        other.page_with_g(&session, (), "bad.html", ())
    };
    let app = Router::new()
        .route("/", get(page))
        .route("/bad", get(bad))
        .layer(app::layer(&app::config()));
    let response = app::get(&app, "/", &[&cookie(r#"{"n":1}"#)]).await;
    assert_eq!(response.headers()["content-type"], "text/html; charset=utf-8");
    assert_eq!(text(response).await, "<p>1</p>");
    let response = app::get(&app, "/bad", &[]).await;
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(text(response).await, "Internal Server Error");
}

#[tokio::test]
async fn folder_is_read_and_read_again_after_a_change() {
    let folder = std::env::temp_dir().join(format!("hipflask-templates-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("t.html");
    std::fs::write(&file, "one {{ session.n }}").unwrap();
    let templates = Templates::from_dir(&folder, routes()).unwrap();
    let (pages, _) = in_request(r#"{"n":1}"#, move |session| {
        let one = templates.render(session, "t.html", ()).unwrap();
        std::fs::write(&file, "another {{ session.n }}").unwrap();
        let outside = templates.render(session, "../t.html", ()).is_err();
        (one, templates.render(session, "t.html", ()).unwrap(), outside)
    })
    .await;
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(pages, ("one 1".into(), "another 1".into(), true));
}

#[tokio::test]
async fn environment_takes_filters_and_globals() {
    let templates = Templates::new(routes())
        .with_source("t.html", "{{ 'a'|twice }} {{ app }}")
        .unwrap()
        .with_environment(|environment| {
            environment.add_filter("twice", |text: String| text.repeat(2));
            environment.add_global("app", "<Hipflask>");
        });
    let (page, _) =
        in_request("{}", move |session| templates.render(session, "t.html", ()).unwrap()).await;
    assert_eq!(page, "aa &lt;Hipflask&gt;");
}
