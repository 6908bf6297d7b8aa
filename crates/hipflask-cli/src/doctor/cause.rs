//! The closed list of causes: what happened, and what to do. The order is that of telling them.
//!
//! Texts hold no value of a session, no cookie and no key; details are names, numbers and fingerprints.

/// `Variant "code" "what happened and why", "what to do";`
macro_rules! causes {
    ($($variant:ident $code:literal $text:literal, $remedy:literal;)+) => {
        /// Why a session is not there.
        #[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
        pub(crate) enum Kind {
            $($variant,)+
        }

        impl Kind {
            /// Returns the code for scripts, which never changes its meaning.
            pub(crate) const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }

            /// Every cause, in the order of telling them.
            pub(crate) const ALL: &[Self] = &[$(Self::$variant),+];

            pub(crate) const fn text(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            pub(crate) const fn remedy(self) -> &'static str {
                match self { $(Self::$variant => $remedy,)+ }
            }
        }
    };
}

causes! {
    StoreUnreachable "store_unreachable"
        "the store of sessions cannot be reached",
        "start it, or correct its address; with SESSION_ON_OUTAGE=anonymous pages go on without sessions";
    NodesDiffer "nodes_differ"
        "some nodes accept the cookie and others do not, so that users are logged out when they change nodes",
        "give all nodes the same SECRET_KEY and the same settings: `hipflask check` shows what differs";
    RandomKey "random_key"
        "each process makes its own random SECRET_KEY, so that each restart and each other worker refuses the cookie",
        "make one key with `hipflask secret`, keep it in a file or the environment, and give it to all processes";
    OtherSigning "other_signing"
        "a known key has signed the cookie in another way",
        "set salt, digest and derivation as the other program has them, or give one of the two another cookie name";
    OldEpoch "old_epoch"
        "the cookie counts its time from 2011: itsdangerous older than 1.1 wrote it, as with Flask before 1.0",
        "update itsdangerous on all nodes; users whose cookies are from before have to log in again";
    Expired "expired"
        "the cookie is older than sessions live",
        "nothing, if that is how long they are to live; else raise PERMANENT_SESSION_LIFETIME, or let the app \
         mark sessions permanent and refresh them";
    ClockSkew "clock_skew"
        "the cookie was signed in the future: the clocks of two machines differ",
        "set the clocks of all machines by NTP";
    RetiredKey "retired_key"
        "the cookie opens, but a key signed it that is only accepted for a time",
        "nothing now; keep the old key in SECRET_KEY_FALLBACKS until the oldest session has expired, and see \
         whether a node still signs with it";
    Starlette "starlette_cookie"
        "Starlette's or FastAPI's SessionMiddleware wrote this cookie under the same name",
        "give one of the two programs another cookie name, because each opens the other's as empty and overwrites it; \
         or, if it is being replaced, take its sessions over: SESSION_TAKE_OVER=starlette";
    Django "django_cookie"
        "Django wrote this cookie under the same name",
        "give one of the two programs another cookie name or another domain; or, if it is being replaced and its \
         sessions lie in signed cookies, take them over: SESSION_TAKE_OVER=django_signed_cookies";
    OtherProgram "other_program"
        "another program wrote this cookie under the same name",
        "give one of the two programs another SESSION_COOKIE_NAME, and another key if it has the same";
    CookieCut "cookie_cut"
        "the cookie is incomplete: something on its way has cut it, or it was not copied whole",
        "copy it whole; else look for limits of proxies and columns, and keep sessions under 4,096 bytes";
    CookieQuoted "cookie_quoted"
        "the cookie's value stands in quotes, which are no part of it",
        "let whoever writes or copies the cookie leave the quotes out; Werkzeug 3.1.9 drops such cookies";
    CookiePadded "cookie_padded"
        "the cookie has `=` where Flask writes none: something has encoded it again",
        "let proxies and scripts hand on the cookie as it is";
    IdWithoutStore "id_without_store"
        "the cookie is the id of a session in a store, and the configuration keeps sessions in the cookie",
        "name the store on all nodes: SESSION_TYPE for Flask-Session, SESSION_STORE for Hipflask";
    CookieWithStore "cookie_with_store"
        "the cookie holds the session itself, and the configuration keeps sessions in a store",
        "let SESSION_TYPE be the same on all nodes; with_cookie_migration takes such sessions over";
    SignedIds "signed_ids"
        "one side signs the ids of sessions and the other does not",
        "set SESSION_USE_SIGNER on all nodes or on none";
    IdUnknown "id_unknown"
        "the store has no record of this session: it has expired, was ended, or lies elsewhere",
        "compare the store's address, database and SESSION_KEY_PREFIX on all nodes; see whether the store \
         evicts what is not expired (Redis: maxmemory-policy noeviction)";
    RecordExpired "record_expired"
        "the record of this session has ended by the configured limits, or was retired",
        "nothing, if that is how long sessions are to live; else raise SESSION_IDLE_TIMEOUT or SESSION_ABSOLUTE_TIMEOUT";
    RecordPickled "record_pickled"
        "the record is a pickle of Flask-Session before 0.7",
        "nothing, unless such nodes are still at work: they empty what Hipflask writes, so set SESSION_KEEP_FORMAT \
         until they are gone";
    RecordFormat "record_format"
        "the record is of another format than the configuration says",
        "give all nodes the same SESSION_SERIALIZATION_FORMAT: Flask-Session cannot read the other one";
    RecordCorrupt "record_corrupt"
        "the record of this session cannot be read",
        "see whether another program writes under SESSION_KEY_PREFIX, and whether the key that encrypted \
         the record is known here";
    RecordType "record_type"
        "the key of the record holds another type of value, or nothing",
        "give other programs another prefix or another database";
    CookieTooLarge "cookie_too_large"
        "the cookie is larger than browsers keep: 4,096 bytes of name and value",
        "put less into the session, or keep sessions in a store";
    SecureOnHttp "secure_on_http"
        "the cookie is Secure and the page came over http: browsers drop it",
        "serve the site over https, or unset SESSION_COOKIE_SECURE for tests over http";
    SameSite "same_site"
        "the browser keeps the cookie back where another site starts the request",
        "in an iframe or after a POST from another site only SameSite=None with Secure arrives; else start \
         with a GET of the own site";
    Partitioned "partitioned"
        "the cookie is partitioned on one side only: browsers keep one for each embedding site beside the plain one",
        "set SESSION_COOKIE_PARTITIONED the same everywhere, with Secure, and delete the old cookie with the same \
         attributes";
    Attributes "cookie_attributes"
        "browsers refuse the cookie for its attributes",
        "correct the setting that is named";
    ShadowCopies "shadow_copies"
        "the browser sends several cookies of this name: one of another Domain or Path hides the newer one",
        "send these headers once, and give all nodes the same SESSION_COOKIE_DOMAIN and SESSION_COOKIE_PATH";
    JoinedLines "joined_cookie_lines"
        "a proxy or server has joined two Cookie lines with a comma, and Flask loses the cookies beside it",
        "let the proxy join them with `; `, or use a server that does; Hipflask reads them as they are";
    Deleted "deleted_by_server"
        "the server itself deletes the cookie",
        "see its log: the app has cleared the session, or could not open it";
    NotSent "not_sent"
        "the browser has the cookie from an earlier answer and does not send it",
        "see whether the user has blocked or cleared cookies, and whether the page is embedded in another site";
    NoCookie "no_cookie"
        "no answer sets the cookie and no request has it",
        "see whether the app puts anything into the session, and whether the cookie has this name";
    WrongKey "wrong_key"
        "no key that was given has signed the cookie, in any way that was tried",
        "find the node that signed it and compare its SECRET_KEY by `hipflask check`; after a change of keys \
         list the old one in SECRET_KEY_FALLBACKS";
    WeakKey "weak_key"
        "the secret key can be guessed, so that anybody can be any user",
        "make a new one with `hipflask secret`, and list the old one nowhere";
    Configuration "configuration"
        "the configuration has a fault",
        "correct it: `hipflask check` shows all faults";
}

/// A cause that was found.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Cause {
    pub(crate) kind: Kind,
    /// Names, numbers and fingerprints; empty if there is nothing to add.
    pub(crate) detail: String,
}

impl Cause {
    pub(crate) fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into() }
    }

    pub(crate) fn text(&self) -> String {
        let text = self.kind.text();
        if self.detail.is_empty() { text.to_owned() } else { format!("{text} ({})", self.detail) }
    }
}

/// Puts the most telling cause first, and each only once.
pub(crate) fn sorted(mut causes: Vec<Cause>) -> Vec<Cause> {
    causes.sort_by_key(|cause| cause.kind);
    causes.dedup();
    causes
}
