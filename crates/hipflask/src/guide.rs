//! The book, page by page: how to use Hipflask, and what to do when something is wrong.
//!
//! The same pages make a site that can be read offline: `mdbook build docs`.
//!
//! - **Begin**: [ten minutes](ten_minutes); [learn sessions](learn_1_session) in five chapters; [move one
//!   route from Flask](moving); [stay in Flask](python), also [in applications of others](in_the_wild);
//!   [come from another package](coming_from).
//! - **Use**: [the session](session) and how changes [merge](merging); [log-in and log-out](log_in);
//!   [forms](csrf); [ending sessions](revocation), and
//!   [WebSockets and server-sent events](live) with them; [bound sessions](device_binding); [passwords];
//!   [stores]; [time]; [templates]; [tests](testing); [a store or an adapter of your own](your_own).
//! - **Operate**: [when a session has vanished](doctor); [when something is wrong](reasons);
//!   [watch sessions](observability); [guard any site](gate); [keys and security](keys);
//!   [encrypted sessions](encryption); [settings]; [the
//!   command line](command_line).
//! - **Judge**: [compatibility]; [design]; [speed]; [scale]; [proof].

// Links between pages are references. Those to Markdown files, at a page's end, are for the site;
// rustdoc takes the first definition of a name, and so finds those of `guide_links.md`.
macro_rules! pages {
    ($($name:ident)*) => {
        $(
            #[doc = include_str!("guide_links.md")]
            #[doc = include_str!(concat!("../docs/", stringify!($name), ".md"))]
            pub mod $name {}
        )*
    };
}

pages! {
    asgi coming_from command_line compatibility csrf design doctor encryption gate in_the_wild keys
    learn_1_session learn_2_cookies learn_3_expiry learn_4_shop
    live log_in merging moving observability operate_sessions proof python reasons revocation scale session
    settings shadow speed
    store_dynamodb store_filesystem store_memcached store_memory store_mongodb
    store_mysql store_postgres store_redis store_sqlite stores
    ten_minutes time your_own
}

// Pages whose programs need a feature.
macro_rules! pages_of_features {
    ($($name:ident $feature:tt)*) => {
        $(
            #[doc = include_str!("guide_links.md")]
            #[cfg_attr(feature = $feature, doc = include_str!(concat!("../docs/", stringify!($name), ".md")))]
            #[cfg_attr(
                not(feature = $feature),
                doc = concat!("This page needs the feature `", $feature, "`.")
            )]
            pub mod $name {}
        )*
    };
}

pages_of_features! {
    device_binding "dbsc"
    learn_5_log_in "password"
    passwords "password"
    templates "templates"
    testing "testing"
}
