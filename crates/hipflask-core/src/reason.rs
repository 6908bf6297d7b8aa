//! Why a session is what it is: the closed list of reason codes.
//!
//! Shared by the API, the log, the metrics and the command line; a code never changes its meaning.

use std::fmt;

/// `/// doc` `Variant "code" "what happened: the usual cause", "what to do";`
macro_rules! reasons {
    ($($(#[$doc:meta])+ $variant:ident $code:literal $text:literal, $remedy:literal;)+) => {
        /// Why a session opened as it did, why it was not saved, or why a request was refused.
        ///
        /// ```
        /// use hipflask_core::reason::Reason;
        ///
        /// assert_eq!(Reason::BadSignature.code(), "bad_signature");
        /// assert!(!Reason::BadSignature.is_verified());
        /// assert!(Reason::BadSignature.to_string().contains("SECRET_KEY"));
        /// ```
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        #[non_exhaustive]
        pub enum Reason {
            $($(#[$doc])+ $variant,)+
        }

        impl Reason {
            /// Every reason, in alphabetical order of the variants.
            pub const ALL: [Self; [$($code),+].len()] = [$(Self::$variant),+];

            /// Returns the stable `snake_case` code for logs, metrics and scripts.
            pub const fn code(self) -> &'static str {
                match self {
                    $(Self::$variant => $code,)+
                }
            }

            /// Returns what to do about it, for whoever runs the site; empty where there is nothing
            /// to do.
            ///
            /// ```
            /// use hipflask_core::reason::Reason;
            ///
            /// assert!(Reason::BadSignature.remedy().contains("SECRET_KEY_FALLBACKS"));
            /// assert!(Reason::Verified.remedy().is_empty());
            /// ```
            pub const fn remedy(self) -> &'static str {
                match self {
                    $(Self::$variant => $remedy,)+
                }
            }

            const fn text(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }
        }
    };
}

reasons! {
    /// The signature is right, but the payload cannot be decoded.
    BadPayload "bad_payload"
        "the signature is right but the payload is not tagged JSON: another program signs with \
         the same SECRET_KEY and salt, or a custom tag is in use",
        "give one of the two programs another SESSION_COOKIE_NAME and another key";
    /// No key confirms the signature.
    BadSignature "bad_signature"
        "no key confirms the signature: the cookie was changed, or SECRET_KEY differs from the \
         one that signed it and is not listed in SECRET_KEY_FALLBACKS",
        "give all services the same SECRET_KEY; after a change of the key list the old one in \
         SECRET_KEY_FALLBACKS";
    /// The signature is right, but there is no usable time in the cookie.
    BadTimestamp "bad_timestamp"
        "the signature is right but the time part is missing or out of range: the cookie was not \
         written by Flask's session interface",
        "give the other program another key";
    /// The store's record cannot be read.
    CorruptRecord "corrupt_record"
        "the store's record is no session: another program uses the same keys, or the record is \
         of another format or was cut, or encrypted with a key that is not known here",
        "see the log for what cannot be read; give other programs another SESSION_KEY_PREFIX, or \
         the same SESSION_SERIALIZATION_FORMAT, SECRET_KEY and SESSION_ENCRYPTION";
    /// Another site has started the request.
    CsrfCrossSite "csrf_cross_site"
        "another site has started the request: its page holds the form, or it calls this one",
        "nothing, if it is an attack; else name the other site with \
         CsrfLayer::with_trusted_origin, or the path with exempt";
    /// The form is larger than what is searched for a token.
    CsrfFormTooLarge "csrf_form_too_large"
        "the form is too large to be searched for its token: it is longer than CsrfLayer's limit",
        "send the token in the header X-CSRFToken, or raise the limit with \
         CsrfLayer::with_form_limit";
    /// The page that has started the request is of another host.
    CsrfOriginMismatch "csrf_origin_mismatch"
        "the Origin is not this host: another site has started the request, or a proxy has \
         changed the Host",
        "nothing, if it is an attack; else let the proxy hand on the Host, as nginx does with \
         `proxy_set_header Host $http_host`";
    /// The page that has started the request is of another origin.
    CsrfReferrerMismatch "csrf_referrer_mismatch"
        "the Referer is not of this origin: another site has started the request, or a proxy has \
         changed the Host",
        "nothing, if it is an attack; else let the proxy hand on the Host, with its port";
    /// The request does not say which page has started it.
    CsrfReferrerMissing "csrf_referrer_missing"
        "the request says nothing of the page that has started it: a program, or a browser that \
         keeps the Referer to itself",
        "let the site's Referrer-Policy be same-origin or wider, or leave out with_referrer_check";
    /// The session has no secret for tokens.
    CsrfSessionTokenMissing "csrf_session_token_missing"
        "the session has no secret for tokens: it has expired or was ended since the form was \
         shown, or the browser did not send its cookie",
        "let the visitor load the page again; if all forms fail, see why their sessions are empty";
    /// The form was open for too long.
    CsrfTokenExpired "csrf_token_expired"
        "the token is older than WTF_CSRF_TIME_LIMIT, or was made ahead of this machine's clock: \
         the form was open for long, or the clocks of two machines differ",
        "let the visitor load the page again; else raise WTF_CSRF_TIME_LIMIT, or set the clocks \
         by NTP";
    /// No key confirms the token.
    CsrfTokenInvalid "csrf_token_invalid"
        "no key confirms the token: it was changed or is none, or the form is of a service with \
         another WTF_CSRF_SECRET_KEY or SECRET_KEY",
        "give all services the same SECRET_KEY and WTF_CSRF_SECRET_KEY; after a change the old \
         one in SECRET_KEY_FALLBACKS";
    /// The token is of another session.
    CsrfTokenMismatch "csrf_token_mismatch"
        "the token is of another session: the visitor has logged in or out since the form was \
         shown",
        "let the visitor load the page again";
    /// The request carries no token.
    CsrfTokenMissing "csrf_token_missing"
        "the request carries no token: the form lacks the field csrf_token, or a script the \
         header X-CSRFToken",
        "put `csrf_token()` into the form, or name the path with CsrfLayer::exempt";
    /// The browser has proved an old challenge.
    DbscChallengeExpired "dbsc_challenge_expired"
        "the challenge is older than two minutes, or was made ahead of this machine's clock: the \
         browser has kept it since the last time, or the clocks of two machines differ",
        "nothing: the browser gets a new one; if it goes on, set the clocks of all machines by NTP";
    /// The browser has proved another challenge than the last one.
    DbscChallengeMismatch "dbsc_challenge_mismatch"
        "the challenge was used before, or is of another session or another key: two refreshes \
         overlapped, or an old proof was sent again",
        "nothing: a browser that has the key gets a new challenge; else give all services the \
         same SECRET_KEY";
    /// Another key has signed the proof of a device.
    DbscKeyMismatch "dbsc_key_mismatch"
        "the proof is not signed by the device's key: somebody has the session's cookie, and not \
         the device",
        "end the user's sessions, if it is not a test";
    /// A proof of a device cannot be read.
    DbscProofMalformed "dbsc_proof_malformed"
        "the proof of the device is not what the draft says: a program that is no browser, or a \
         browser of another draft",
        "see the answer's text for what was expected";
    /// A request for a bound session carries no proof.
    DbscProofMissing "dbsc_proof_missing"
        "the request carries no proof of the device: the browser has no challenge yet, or the \
         request comes from no browser",
        "nothing: a browser that has the key gets a challenge";
    /// The session that a browser wants to bind or refresh is not there.
    DbscSessionUnknown "dbsc_session_unknown"
        "there is no such bound session: it has ended, or the browser has another by now",
        "nothing: the browser gives its key up";
    /// The session is bound to a device, and the request does not show that it comes from there.
    DbscUnproven "dbsc_unproven"
        "the session is bound to a device, and the request does not show its short-lived cookie: \
         the session's cookie was copied, or the browser could not refresh the other one",
        "nothing, if it was copied; else see whether /dbsc/refresh is reached, and what it answers";
    /// The cookie is older than `PERMANENT_SESSION_LIFETIME`, or the session older than allowed.
    Expired "expired"
        "the cookie is older than PERMANENT_SESSION_LIFETIME, or the session older than its \
         absolute timeout",
        "nothing, if the visitor was away for that long; else set PERMANENT_SESSION_LIFETIME to \
         the same on all services";
    /// The store has a record of the unsigned session id.
    Found "found"
        "the store has a record of the session id",
        "";
    /// Another request ended the session while this one was under way.
    GoneDuringRequest "gone_during_request"
        "another request ended the session while this one was under way, so its changes were \
         dropped",
        "nothing: a log-out stays a log-out; the response was sent as the handler made it";
    /// The cookie does not have the form `payload.time.signature`.
    Malformed "malformed"
        "the cookie does not have the form payload.time.signature: another program uses the same \
         cookie name, or the value was cut",
        "give the other program another SESSION_COOKIE_NAME";
    /// The cookie cannot be a session id.
    MalformedId "malformed_id"
        "the cookie cannot be a session id: a signed cookie of before the store, another \
         program's cookie of the same name, or a guess",
        "nothing, after a move from signed cookies to a store, which \
         SessionConfig::with_cookie_migration takes over; else give the other program another \
         SESSION_COOKIE_NAME";
    /// The request carries no cookie of this name, or an empty one.
    NoCookie "no_cookie"
        "the request carries no session cookie",
        "";
    /// There is no key to sign with.
    NoSecretKey "no_secret_key"
        "no SECRET_KEY is set, so sessions can be read but not written",
        "set SECRET_KEY; `hipflask secret` makes one";
    /// The cookie's time lies ahead of this machine's clock.
    NotYetValid "not_yet_valid"
        "the cookie was signed ahead of this machine's clock: the clocks of two machines differ",
        "set the clocks of all machines by NTP";
    /// Another request has given the session a new id.
    Renewed "renewed"
        "another request has given the session a new id meanwhile, as on log-in, and the browser \
         has the new cookie or is about to get it",
        "nothing: the next request has the new id";
    /// The session was ended before its cookie expires: by a log-out, or for all sessions of its user.
    Revoked "revoked"
        "the signature is right, but the session was ended since: by a log-out, or with all \
         sessions of its user",
        "nothing: the visitor logs in again";
    /// The cookie is a signed session id, and ids are not signed here.
    SignedId "signed_id"
        "the cookie is a signed session id: SESSION_USE_SIGNER is on where it was written, and \
         off here",
        "set SESSION_USE_SIGNER to the same on both sides";
    /// The store did not answer.
    StoreUnavailable "store_unavailable"
        "the session store did not answer: see the log for its error",
        "see the log's line for the store's own error, and whether the store can be reached";
    /// The cookie, or what it inflates to, is larger than the limit.
    TooLarge "too_large"
        "the cookie, or what it inflates to, is larger than the limit",
        "nothing, if it is an attack; else put less into the session, or keep it in a store";
    /// The store has no record of the session id.
    UnknownId "unknown_id"
        "the store has no record of the session id: it has expired, was ended or evicted, or lies \
         in another store or under another SESSION_KEY_PREFIX",
        "nothing, if the session has ended; else compare store, database and SESSION_KEY_PREFIX \
         of all services, and see whether the store evicts (Redis: maxmemory-policy)";
    /// The cookie is a session id without a signature, and ids are signed here.
    UnsignedId "unsigned_id"
        "the cookie is a session id without a signature: SESSION_USE_SIGNER is off where it was \
         written, and on here",
        "set SESSION_USE_SIGNER to the same on both sides";
    /// The session belongs to another user than when it was first looked at.
    UserChanged "user_changed"
        "the session is another user's by now, or nobody's: another request has logged somebody in \
         or out under the same session id",
        "nothing: the connection is opened anew; let log-in renew the id, as Session::log_in does";
    /// The current key confirms the cookie.
    Verified "verified"
        "the current key confirms the cookie",
        "";
    /// A fallback key confirms the cookie.
    VerifiedByFallbackKey "verified_by_fallback_key"
        "a key of SECRET_KEY_FALLBACKS confirms the cookie",
        "nothing: the session is signed anew when it is next saved";
}

impl Reason {
    /// Reports whether the session's content came from a cookie that a key confirmed, or from the
    /// store.
    pub const fn is_verified(self) -> bool {
        matches!(self, Self::Found | Self::Verified | Self::VerifiedByFallbackKey)
    }

    /// Reports whether a cookie or a request was refused.
    pub const fn is_refusal(self) -> bool {
        !self.is_verified() && !matches!(self, Self::NoCookie | Self::NoSecretKey)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}
