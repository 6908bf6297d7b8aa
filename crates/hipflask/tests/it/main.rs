//! The integration tests of the facade, as one binary.
