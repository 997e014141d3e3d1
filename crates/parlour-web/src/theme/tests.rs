//! Tests of the built-in theme.
