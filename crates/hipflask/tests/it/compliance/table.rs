//! The rows of the sheet: the one place that says what is required, and who answers for it.

use super::{cookies::*, ids::*, signatures::*, time::*};

/// Who answers for a requirement.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Share {
    /// Nobody but the app can.
    App,
    /// The library, whatever the app does, or as soon as it is configured so.
    Enforced,
    /// The library has the means, and the app decides.
    Helps,
    /// Nobody yet.
    NotYet,
}

/// A test that shows it.
pub(super) enum Proof {
    /// One of this folder, which runs for the sheet.
    Here(&'static str, fn()),
    /// One that runs elsewhere: file and name.
    There(&'static str, &'static str),
}

pub(super) struct Row {
    pub(super) requirement: &'static str,
    pub(super) source: &'static str,
    pub(super) share: Share,
    pub(super) note: &'static str,
    pub(super) proofs: &'static [Proof],
}

macro_rules! rows {
    ($($requirement:literal, $source:literal, $share:ident($note:literal)
        [$($test:ident),*] $([$($file:literal $name:literal),+])?;)+) => {
        &[$(Row {
            requirement: $requirement,
            source: $source,
            share: Share::$share,
            note: $note,
            proofs: &[
                $(Proof::Here(stringify!($test), $test),)*
                $($(Proof::There($file, $name),)+)?
            ],
        },)+]
    };
}

/// A: OWASP ASVS 5.0, with the level. C: OWASP's cheat sheet of session management. N: NIST SP 800-63B-4.
/// B: RFC 6265bis. P: partitioned cookies (CHIPS). D: device-bound sessions (DBSC).
pub(super) const ROWS: &[Row] = rows! {
    "Only the server decides whether a session is valid", "A 7.2.1 (1)", Enforced("")
        [asvs_7_2_1_edited_cookie_is_nobody];
    "Tokens are made for each session, and are no fixed secrets", "A 7.2.2 (1)", Enforced("in a store; a signed cookie is its content and its time")
        [asvs_7_2_2_each_log_in_gets_a_token_of_its_own];
    "Ids are unique, from a secure source, and have 128 bits or more", "A 7.2.3 (1), C, N", Enforced("")
        [asvs_7_2_3_ids_are_random_and_of_256_bits];
    "A log-in, the first or a later one, makes a new token and ends the old one", "A 7.2.4 (1), C", Helps("`log_in` does it, in a store; the app calls it")
        [asvs_7_2_4_log_in_ends_the_id_of_before] ["crates/hipflask/tests/it/log_in.rs" "planted_id_never_becomes_a_log_in"];
    "A change of rights renews the id", "C", Helps("`renew` does it; the app calls it")
        [cheat_sheet_renewal_after_any_privilege_change];
    "An id that the server did not issue is never taken over, and is noted", "C", Enforced("")
        [cheat_sheet_strict_ids_are_never_adopted];
    "An id counts in the cookie only, not in an address, a body or another header", "C", Enforced("")
        [cheat_sheet_id_counts_in_the_cookie_only];
    "An id is untrusted input: what cannot be one never reaches the store", "C", Enforced("")
        [cheat_sheet_id_is_untrusted_input];
    "The server ends a session that nobody uses", "A 7.3.1 (2), C, N", Enforced("in a store")
        [asvs_7_3_1_idle_session_ends_on_the_server];
    "The server ends a session at the end of its longest life", "A 7.3.2 (2), C, N", Enforced("in a store, with `SESSION_ABSOLUTE_TIMEOUT`")
        [asvs_7_3_2_activity_does_not_cross_the_absolute_limit];
    "Use restarts the idle time-out, and a new log-in both", "N", Helps("use restarts it; a new log-in restarts the other after `destroy`")
        [nist_activity_resets_the_idle_timer];
    "Ids can be renewed from time to time, the old one being good for a moment longer", "C", NotYet("`renew` ends the old id at once")
        [];
    "Limits of NIST's assurance levels: 30 days; 24 hours and 1 idle; 12 hours and 15 minutes idle", "N", Helps("two settings; there are no ready-made sets")
        [nist_limits_of_the_assurance_levels_can_be_set];
    "Time-outs and limits of parallel sessions are documented", "A 7.1.1, 7.1.2 (2), N", NotYet("the log says the lifetime at the start; there is no list to print")
        [];
    "Log-out ends the session on the server", "A 7.4.1 (1), C, N", Enforced("in a store, and in signed cookies with `SESSION_REVOCATIONS`; else a copy of a signed cookie lives until it expires")
        [asvs_7_4_1_log_out_ends_a_stored_session] ["crates/hipflask/tests/it/revoking.rs" "cookie_from_before_log_out_is_refused"];
    "A log-out stays one, whatever other requests are under way", "A 7.4.1 (1)", Enforced("in a store, and in signed cookies with `SESSION_REVOCATIONS`")
        [] ["crates/hipflask-core/tests/it/explorer/mod.rs" "two_requests_lose_nothing_and_revive_nothing",
            "crates/hipflask/tests/it/revoking.rs" "response_under_way_does_not_bring_a_session_back",
            "crates/hipflask/tests/it/stored.rs" "log_out_is_final_for_requests_under_way",
            "interop/test_races.py" "test_overlapping_requests_lose_no_write_and_revive_no_session"];
    "What has expired is over, also when it is sent again", "A 7.4.1 (1)", Enforced("")
        [asvs_7_4_1_expired_cookie_is_not_replayed];
    "All sessions of a user end when the account does", "A 7.4.2 (1)", Helps("`revoke_user`, in a store or with `SESSION_REVOCATIONS`; the app calls it")
        [] ["crates/hipflask/tests/it/revoking.rs" "all_sessions_of_a_user_end_but_the_next",
            "crates/hipflask/tests/it/revoking.rs" "sessions_of_a_user_are_listed_and_ended_in_a_store"];
    "All other sessions can be ended after a new password", "A 7.4.3 (2)", Helps("`revoke_others`; the app calls it")
        [] ["crates/hipflask/tests/it/revoking.rs" "all_others_end_and_this_one_stays"];
    "Administrators can end the sessions of one user, or all", "A 7.4.5 (2)", Helps("`revoke_user` for one user; for all, a new key without a fallback")
        [] ["crates/hipflask/tests/it/revoking.rs" "all_sessions_of_a_user_end_but_the_next"];
    "Users see their sessions and can end them", "A 7.5.2 (2), C", Helps("`sessions_of` and `revoke_session_of`, in a store; the page is the app's")
        [] ["crates/hipflask/tests/it/revoking.rs" "sessions_of_a_user_are_listed_and_ended_in_a_store"];
    "A sensitive change asks for the password again", "A 7.5.1 (2), 7.5.3 (3)", Helps("`is_fresh(max_age)`, for those who have logged in here; the app asks")
        [] ["crates/hipflask-core/tests/it/log_in.rs" "freshness_needs_a_password_and_with_an_age_its_time"];
    "The number of a user's parallel sessions is limited", "A 7.1.2 (2), C", Enforced("in a store, with `SESSION_USER_LIMIT`")
        [] ["crates/hipflask-core/tests/it/listing.rs" "one_more_than_allowed_ends_the_one_that_was_not_used_for_the_longest_time",
            "crates/hipflask-core/tests/it/listing.rs" "one_more_than_allowed_is_refused_where_that_is_asked_for",
            "servers/tests/it/listed.rs" "users_sessions_are_listed_in_postgresql"];
    "The end of a session at an identity provider ends it here", "A 7.1.3, 7.6.1 (2)", NotYet("sessions cannot be found by another's id")
        [];
    "A session begins by what a visitor does, and not by a page's mere call", "A 7.6.2 (2)", Enforced("")
        [asvs_7_6_2_page_makes_no_session];
    "The cookie is `Secure`, and its name says so", "A 3.3.1 (1), N, B", Enforced("with `hardened()`; names and attributes that contradict each other are an error")
        [asvs_3_3_1_hardened_cookie_is_secure_and_named_so];
    "The name begins with `__Host-`, with no domain and the path `/`", "A 3.3.3 (2), N, C, B", Enforced("with `hardened()`, also for `__Host-Http-`")
        [asvs_3_3_3_host_cookies_stay_on_their_host];
    "The cookie is `HttpOnly`, and its value is nowhere else", "A 3.3.4 (2), C, N", Enforced("")
        [asvs_3_3_4_cookie_is_http_only] ["crates/hipflask/tests/it/privacy.rs" "log_holds_reasons_and_no_secret"];
    "`SameSite` is set, to `Lax` or `Strict`; `None` needs `Secure`", "A 3.3.2 (2), N, B", Enforced("with `hardened()`")
        [asvs_3_3_2_same_site_is_explicit];
    "Name and value have 4,096 bytes or fewer", "A 3.3.5 (3), B", Enforced("a larger session is an error that names the largest keys")
        [asvs_3_3_5_no_cookie_is_larger_than_browsers_keep];
    "A cookie lives for 400 days or fewer", "B", Helps("the log says at the start that browsers cut longer lives")
        [rfc6265bis_lives_beyond_400_days_are_told];
    "A response never sets one cookie twice", "B", Enforced("")
        [rfc6265bis_no_response_sets_the_cookie_twice];
    "A cookie's value holds only what the grammar allows; what comes in is read leniently", "B", Enforced("")
        [rfc6265bis_values_hold_octets_of_cookies_only] ["crates/hipflask-core/tests/it/cookie.rs" "cookie_headers_come_out_as_made_by_werkzeug_3_1"];
    "Of two cookies of one name it is settled which counts", "B, C", Enforced("")
        [rfc6265bis_first_of_two_cookies_counts];
    "`Partitioned` needs `Secure`, and deletes as it was set", "P", Enforced("")
        [chips_partitioned_cookie_is_secure_and_deleted_as_it_was_set];
    "The cookie goes to as few hosts and paths as can be", "N, C", Enforced("by default, to the own host")
        [nist_scope_is_the_own_host];
    "The cookie expires with the session, and no time-out relies on it", "N, C", Enforced("")
        [nist_life_of_the_cookie_is_not_trusted];
    "The cookie tells nothing of the person", "N, C", Enforced("in a store, and with `SESSION_ENCRYPTION`; else a signed cookie can be read")
        [nist_cookie_of_a_stored_session_is_opaque, nist_encrypted_cookie_is_opaque];
    "The signature is checked before anything is read", "A 9.1.1 (1)", Enforced("")
        [asvs_9_1_1_nothing_is_read_before_its_signature];
    "The server names the algorithms, and none is not one", "A 9.1.2 (1)", Enforced("")
        [asvs_9_1_2_digest_is_not_the_cookies_to_choose];
    "Keys are those of the configuration, compared in constant time, the newest signing", "A 9.1.3 (1)", Enforced("the comparison is `subtle`'s, whose time no test measures")
        [asvs_9_1_3_keys_are_those_of_the_configuration_newest_first];
    "A token's time is checked in both directions", "A 9.2.1 (1)", Enforced("")
        [asvs_9_2_1_time_is_checked_both_ways];
    "A token of one purpose or service is no good for another", "A 9.2.2 to 9.2.4 (2)", Enforced("")
        [asvs_9_2_2_tokens_of_one_purpose_serve_no_other];
    "Requests that change something come from the site itself", "A 3.5.1 (1), N", Helps("`CsrfLayer`, where the app puts it")
        [asvs_3_5_1_other_sites_change_nothing] ["crates/hipflask/tests/it/csrf.rs" "verdicts_are_those_of_tower_http",
            "interop/test_flask_wtf.py" "test_both_refuse_alike_and_say_why"];
    "After a log-in nothing goes over plain http", "N, C", App("`Secure` keeps the cookie from it; a redirect and HSTS are the server's")
        [];
    "Shared caches keep no response that depends on a session", "C", Enforced("")
        [cheat_sheet_shared_caches_keep_no_session];
    "The life of sessions is logged, without their ids", "C", Helps("opening, refusing and losing are logged with a reason; creating and ending are not")
        [] ["crates/hipflask/tests/it/privacy.rs" "log_holds_reasons_and_no_secret"];
    "Guessing of ids is noticed", "C", Helps("each unknown id is an event and a count; who sends many is for the proxy to see")
        [cheat_sheet_strict_ids_are_never_adopted];
    "Who reads the store cannot log in with what is there", "C", Enforced("with `SESSION_ID_STORAGE=hashed`")
        [cheat_sheet_dump_of_hashed_ids_logs_nobody_in];
    "What a session holds is encrypted where it lies", "C", Enforced("in a store, with `SESSION_ENCRYPTION`")
        [] ["crates/hipflask/tests/it/encryption.rs" "dump_of_the_store_tells_nothing_of_encrypted_sessions",
            "crates/hipflask-core/tests/it/sealed_records.rs" "what_no_key_opens_is_not_overwritten"];
    "A session ends with the browser unless somebody asked for more", "N", Helps("in a signed cookie; in a store with `SESSION_PERMANENT=false`, since Flask-Session's default is the other")
        [nist_session_ends_with_the_browser_unless_asked];
    "What is inflated and nested is limited", "A 9.1.1 (1)", Enforced("")
        [asvs_9_1_1_zip_bomb_is_not_inflated] ["crates/hipflask-core/tests/it/depth.rs" "deeper_levels_are_refused"];
    "A session is bound to a device by a key", "D, N", Helps("with the feature `dbsc`, in browsers that can do it; the app adds the layer")
        [] ["crates/hipflask/tests/it/dbsc/mod.rs" "session_is_bound_from_log_in_to_log_out",
            "crates/hipflask/tests/it/dbsc/mod.rs" "stolen_cookies_end_with_the_short_lived_one"];
};
