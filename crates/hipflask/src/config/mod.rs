//! Flask's configuration of sessions, checked when it is built.
