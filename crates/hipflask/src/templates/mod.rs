//! Flask's template idioms in minijinja: `session`, `g`, `get_flashed_messages()` and `url_for()`.
//!
//! Beside the handler: it reads the session that the extractor has opened, and never sees cookies
//! or stores. A template cannot change the session, except that it takes flash messages.
//!
//! Rules: [Flask's templates][py]. What is printed is what Jinja prints: `None`, `True`, floats,
//! bytes and times in Python's form, and the five characters that Markup escapes as Markup does.
//! Autoescaping is on for the names that Flask escapes. Python's methods of strings, lists and
//! dicts, such as `items()`, work as far as [`minijinja_contrib::pycompat`] knows them.
//!
//! [py]: https://flask.palletsprojects.com/en/stable/templating/

mod convert;
mod error;
mod flashes;
mod page;
mod print;
mod route;
mod scope;
mod view;

use std::{borrow::Cow, fmt, path::Path, sync::Arc};

use minijinja::Environment;
pub use minijinja::{self, context, value::Serde};
use serde::Serialize;

pub use self::{
    error::TemplateError,
    page::Page,
    route::{Routes, UrlError},
};
use crate::Session;

/// Templates that know the session, `g` and the routes. Clones share everything.
///
/// ```
/// use axum::extract::State;
/// use hipflask::{
///     Session,
///     templates::{Page, Routes, TemplateError, Templates, minijinja::context},
/// };
///
/// const HOME: &str = r#"
/// {% for category, message in get_flashed_messages(with_categories=true) %}
/// <p class="{{ category }}">{{ message }}</p>
/// {% endfor %}
/// <h1>Hello {{ session["USERNAME"] }}</h1>
/// <a href="{{ url_for('profile', id=user.id) }}">Profile</a>"#;
///
/// async fn home(session: Session, templates: State<Templates>) -> Result<Page, TemplateError> {
///     templates.page(&session, "home.html", context! { user => context! { id => 3 } })
/// }
///
/// let routes = Routes::new().with("home", "/").with("profile", "/users/{id}");
/// let templates = Templates::new(routes).with_source("home.html", HOME)?;
/// # let _: axum::Router = axum::Router::new()
/// #     .route("/", axum::routing::get(home))
/// #     .with_state(templates);
/// # Ok::<(), TemplateError>(())
/// ```
#[derive(Clone)]
pub struct Templates(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    environment: Environment<'static>,
    routes: Routes,
}

impl Templates {
    /// Starts without templates.
    pub fn new(routes: Routes) -> Self {
        let mut environment = Environment::new();
        environment.set_auto_escape_callback(print::auto_escape);
        environment.set_formatter(print::write);
        environment.add_filter("e", print::escape_filter);
        environment.add_filter("escape", print::escape_filter);
        environment
            .set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.add_function("url_for", route::function(routes.clone()));
        Self(Arc::new(Inner { environment, routes }))
    }

    /// Reads templates from a folder when they are first used, and again after a change.
    ///
    /// ```
    /// use hipflask::templates::{Routes, TemplateError, Templates};
    ///
    /// let missing = Templates::from_dir("no/such/folder", Routes::new());
    /// assert!(matches!(missing, Err(TemplateError::NoFolder(_))));
    /// ```
    ///
    /// # Errors
    ///
    /// [`TemplateError::NoFolder`] when there is no folder at `path`.
    pub fn from_dir(path: impl AsRef<Path>, routes: Routes) -> Result<Self, TemplateError> {
        let path = path.as_ref();
        if !path.is_dir() {
            return Err(TemplateError::NoFolder(path.into()));
        }
        let loader = minijinja::path_loader(path);
        Ok(Self::new(routes).with_environment(|environment| environment.set_loader(loader)))
    }

    /// Adds a template; the name's ending decides about autoescaping.
    ///
    /// ```
    /// use hipflask::templates::{Routes, TemplateError, Templates};
    ///
    /// let broken = Templates::new(Routes::new()).with_source("a.html", "<p>\n{% if %}");
    /// let Err(TemplateError::Syntax(error)) = broken else { panic!("it compiled") };
    /// assert_eq!((error.name(), error.line()), (Some("a.html"), Some(2)));
    /// ```
    ///
    /// # Errors
    ///
    /// [`TemplateError::Syntax`] with the line where the template does not compile.
    pub fn with_source(
        mut self,
        name: impl Into<Cow<'static, str>>,
        source: impl Into<Cow<'static, str>>,
    ) -> Result<Self, TemplateError> {
        self.environment_mut().add_template_owned(name, source)?;
        Ok(self)
    }

    /// Changes the environment: filters, tests, globals.
    ///
    /// ```
    /// use hipflask::templates::{Routes, Templates};
    ///
    /// let templates = Templates::new(Routes::new()).with_environment(|environment| {
    ///     environment.add_filter("shout", |text: String| text.to_uppercase() + "!");
    ///     environment.add_global("app_name", "Hipflask");
    /// });
    /// # let _ = templates;
    /// ```
    #[must_use]
    pub fn with_environment(mut self, change: impl FnOnce(&mut Environment<'static>)) -> Self {
        change(self.environment_mut());
        self
    }

    /// Returns the environment, to add filters, tests and globals. Clones made before keep theirs.
    pub fn environment_mut(&mut self) -> &mut Environment<'static> {
        &mut Arc::make_mut(&mut self.0).environment
    }

    /// Returns the routes, so that handlers can redirect by name.
    pub fn routes(&self) -> &Routes {
        &self.0.routes
    }

    /// Renders a template; the context is a struct or a map, or `()` for none.
    ///
    /// The context's names win over `session`, `g`, `csrf_token` and `get_flashed_messages`, as in Flask.
    ///
    /// # Errors
    ///
    /// [`TemplateError`] when the template is missing or broken, when rendering fails, or when
    /// serde cannot serialize the context.
    #[doc(alias = "render_template")]
    pub fn render(
        &self,
        session: &Session,
        name: &str,
        context: impl Serialize,
    ) -> Result<String, TemplateError> {
        self.render_with_g(session, (), name, context)
    }

    /// Renders a template that also sees `g`, what the handlers know of this request.
    ///
    /// # Errors
    ///
    /// As [`render`](Self::render).
    pub fn render_with_g(
        &self,
        session: &Session,
        g: impl Serialize,
        name: &str,
        context: impl Serialize,
    ) -> Result<String, TemplateError> {
        let scope = scope::Scope::new(session, &g, &context)?;
        let template = self.0.environment.get_template(name)?;
        Ok(template.render(minijinja::Value::from_object(scope))?)
    }

    /// Renders a template as a response.
    ///
    /// # Errors
    ///
    /// As [`render`](Self::render).
    pub fn page(
        &self,
        session: &Session,
        name: &str,
        context: impl Serialize,
    ) -> Result<Page, TemplateError> {
        self.render(session, name, context).map(Page)
    }

    /// Renders a template that also sees `g` as a response.
    ///
    /// # Errors
    ///
    /// As [`render`](Self::render).
    pub fn page_with_g(
        &self,
        session: &Session,
        g: impl Serialize,
        name: &str,
        context: impl Serialize,
    ) -> Result<Page, TemplateError> {
        self.render_with_g(session, g, name, context).map(Page)
    }
}

impl fmt::Debug for Templates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Templates").field("routes", &self.0.routes).finish_non_exhaustive()
    }
}
