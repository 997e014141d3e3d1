//! Settings that the contract names but whose feature does not exist yet. Work that brings a feature
//! deletes its line.

/// Setting, when it is refused, and what it waits for.
type NotYet = (&'static str, fn(&str) -> bool, &'static str);

const ALWAYS: fn(&str) -> bool = |_| true;

const LIST: &[NotYet] = &[
    ("TLS_CERT", ALWAYS, "TLS spoken by the server itself"),
    ("TLS_KEY", ALWAYS, "TLS spoken by the server itself"),
];

/// What the value of a setting waits for, if it does.
pub(crate) fn not_yet(name: &str, value: &str) -> Option<&'static str> {
    LIST.iter()
        .find(|(setting, refused, _)| *setting == name && refused(value))
        .map(|(_, _, feature)| *feature)
}

/// What documents say of a setting that waits for something, wholly or in part.
pub(crate) fn note(name: &str) -> String {
    LIST.iter()
        .find(|(setting, ..)| *setting == name)
        .map(|(_, _, feature)| format!(" Not yet: {feature} will come with a later version."))
        .unwrap_or_default()
}
