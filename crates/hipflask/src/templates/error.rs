//! Why a page could not be made.

use std::{error::Error, fmt, path::PathBuf};

use minijinja::ErrorKind;

use super::UrlError;

/// Why a template could not be loaded or rendered; as a response it is a 500 that tells nothing.
///
/// The text names the template and the line, and all causes, but not the name of a template or route
/// that a template has computed: only [`cause`](Self::cause) has that.
///
/// ```
/// use hipflask::templates::{Routes, Templates};
///
/// let Err(error) = Templates::new(Routes::new()).with_source("a.html", "{% endif %}") else {
///     panic!("it compiled")
/// };
/// assert!(error.to_string().ends_with("(in a.html:1)"));
/// ```
#[non_exhaustive]
pub enum TemplateError {
    /// Serde cannot serialize the context or `g`, or it is neither a struct nor a map.
    Context(minijinja::Error),
    /// No template has this name.
    Missing(minijinja::Error),
    /// There is no folder to read templates from.
    NoFolder(PathBuf),
    /// A template asked for something that does not work.
    Render(minijinja::Error),
    /// A template does not compile.
    Syntax(minijinja::Error),
}

impl TemplateError {
    /// Returns minijinja's error, which knows the template and the line.
    pub const fn cause(&self) -> Option<&minijinja::Error> {
        match self {
            Self::Context(cause)
            | Self::Missing(cause)
            | Self::Render(cause)
            | Self::Syntax(cause) => Some(cause),
            Self::NoFolder(_) => None,
        }
    }
}

impl From<minijinja::Error> for TemplateError {
    fn from(cause: minijinja::Error) -> Self {
        match cause.kind() {
            ErrorKind::SyntaxError => Self::Syntax(cause),
            ErrorKind::TemplateNotFound => Self::Missing(cause),
            _ => Self::Render(cause),
        }
    }
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cause = match self {
            Self::NoFolder(path) => return write!(f, "no template folder at {}", path.display()),
            Self::Context(cause) => {
                f.write_str("context is not usable: ")?;
                cause
            }
            Self::Missing(cause) | Self::Render(cause) | Self::Syntax(cause) => cause,
        };
        match (cause.kind(), cause.name(), cause.line()) {
            // The name that a template asks for may be a value of the session.
            (kind @ ErrorKind::TemplateNotFound, Some(name), Some(line)) => {
                write!(f, "{kind} (in {name}:{line})")?;
            }
            _ => write!(f, "{cause}")?,
        }
        let mut cause = cause.source();
        while let Some(next) = cause {
            match next.downcast_ref::<UrlError>() {
                Some(url) => write!(f, ": {}", url.without_values())?,
                None => write!(f, ": {next}")?,
            }
            cause = next.source();
        }
        Ok(())
    }
}

impl fmt::Debug for TemplateError {
    /// Writes the text: minijinja's own form can show the values of variables.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TemplateError({:?})", self.to_string())
    }
}

/// The text has all causes already, so there is no `source`.
impl Error for TemplateError {}

#[cfg(feature = "axum")]
impl axum_core::response::IntoResponse for TemplateError {
    fn into_response(self) -> axum_core::response::Response {
        tracing::error!(target: "hipflask", "template failed: {self}");
        (http::StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error").into_response()
    }
}
