//! A trusted origin that no browser would send.

/// What was given as a trusted origin is none.
///
/// ```
/// use hipflask::csrf::CsrfLayer;
///
/// let error = CsrfLayer::new().with_trusted_origin("https://pay.example/").unwrap_err();
/// assert!(error.to_string().contains("https://shop.example"));
/// ```
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "expected an origin as browsers send it, without a path, such as https://shop.example, found {0:?}"
)]
pub struct OriginError(pub(super) String);
