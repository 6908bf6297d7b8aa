//! Sessions of other packages, which are taken over: what their cookies and records say.
//!
//! Each was read from what the package itself has written. Nothing is written in their forms: what is taken
//! over becomes a session of ours when it is next saved.

mod content;
mod cookie;
mod records;

use std::{fmt, str::FromStr, time::Duration};

pub(crate) use content::Taken;

use crate::signing::{Digest, KeyDerivation, KeyRing, Signer};

/// A package whose sessions are taken over.
///
/// ```
/// use hipflask_core::record::Package;
///
/// assert_eq!("beaker".parse(), Ok(Package::Beaker));
/// assert_eq!(Package::QuartSession.to_string(), "quart_session");
/// assert!(Package::Starlette.lies_in_cookie());
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[doc(alias = "SESSION_TAKE_OVER")]
#[non_exhaustive]
pub enum Package {
    /// [Beaker](https://beaker.readthedocs.io) with its sessions in Redis, of either serializer.
    Beaker,
    /// [Django](https://docs.djangoproject.com/en/stable/topics/http/sessions/) with its sessions in its
    /// database. Their signature is not checked, because whoever writes there can write any session.
    DjangoDatabase,
    /// Django with its sessions in signed cookies.
    DjangoSignedCookies,
    /// [Flask-KVSession](https://flask-kvsession.readthedocs.io), of Invenio, too.
    FlaskKvSession,
    /// [Quart-Session](https://github.com/kroketio/quart-session) with its own serializer.
    QuartSession,
    /// [Starlette](https://www.starlette.io/middleware/#sessionmiddleware)'s own middleware, and so FastAPI's.
    Starlette,
    /// [starsessions](https://github.com/alex-oleshkevich/starsessions) with its JSON serializer.
    Starsessions,
}

impl Package {
    /// All of them, by the words of `SESSION_TAKE_OVER`.
    pub const ALL: [(&'static str, Self); 7] = [
        ("beaker", Self::Beaker),
        ("django_database", Self::DjangoDatabase),
        ("django_signed_cookies", Self::DjangoSignedCookies),
        ("flask_kvsession", Self::FlaskKvSession),
        ("quart_session", Self::QuartSession),
        ("starlette", Self::Starlette),
        ("starsessions", Self::Starsessions),
    ];

    /// Reports whether its cookies hold the content, and not only an id.
    pub const fn lies_in_cookie(self) -> bool {
        matches!(self, Self::DjangoSignedCookies | Self::Starlette)
    }
}

impl fmt::Display for Package {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = Self::ALL.iter().find(|(_, package)| package == self);
        f.write_str(word.map_or("", |(word, _)| word))
    }
}

impl FromStr for Package {
    type Err = UnknownPackage;

    fn from_str(word: &str) -> Result<Self, UnknownPackage> {
        let package = Self::ALL.iter().find(|(known, _)| *known == word);
        package.map(|(_, package)| *package).ok_or(UnknownPackage)
    }
}

/// The word is no package's.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
#[error(
    "not a package whose sessions can be taken over, which are beaker, django_database, django_signed_cookies, \
     flask_kvsession, quart_session, starlette and starsessions"
)]
pub struct UnknownPackage;

/// Reads the sessions of one package.
///
/// ```
/// use hipflask_core::{record::{Package, TakeOver}, signing::KeyRing};
///
/// let take_over = TakeOver::new(Package::Starsessions, &KeyRing::new("k"));
/// assert_eq!(take_over.package(), Package::Starsessions);
/// ```
#[derive(Clone, Debug)] // safe to print: `Signer` redacts itself
pub struct TakeOver {
    package: Package,
    signer: Signer,
    max_age: Duration,
}

impl TakeOver {
    /// How long Django's and Starlette's cookies live by default.
    pub const TWO_WEEKS: Duration = Duration::from_secs(14 * 24 * 60 * 60);

    /// Takes the keys with which the package signs its cookies, if it does.
    pub fn new(package: Package, ring: &KeyRing) -> Self {
        let (salt, separator, digest, derivation) = match package {
            // `sessions` of Django, and its `Signer`: the same as itsdangerous', but for this.
            Package::DjangoSignedCookies => (
                "django.contrib.sessions.backends.signed_cookies",
                ":",
                Digest::Sha256,
                KeyDerivation::DjangoConcat,
            ),
            Package::Beaker => ("", ".", Digest::Sha1, KeyDerivation::None),
            // What itsdangerous has by default.
            _ => ("itsdangerous.Signer", ".", Digest::Sha1, KeyDerivation::DjangoConcat),
        };
        let builder = Signer::builder(ring, salt).with_digest(digest);
        let builder = builder.with_key_derivation(derivation);
        // Neither separator is a character of base64.
        let signer = builder.clone().with_separator(separator).unwrap_or(builder).build();
        Self { package, signer, max_age: Self::TWO_WEEKS }
    }

    /// Sets how old a cookie may be that holds the content. Default [`TWO_WEEKS`](Self::TWO_WEEKS).
    #[must_use]
    pub const fn with_max_age(mut self, max_age: Duration) -> Self {
        self.max_age = max_age;
        self
    }

    /// Returns whose sessions are read.
    pub const fn package(&self) -> Package {
        self.package
    }
}
