//! The OpenAPI document: generated from the handlers, completed here with what no handler says.

use utoipa::{
    Modify, OpenApi,
    openapi::{
        OpenApi as Document,
        security::{ApiKey, ApiKeyValue, SecurityScheme},
    },
};

/// The document of this version of the API.
#[must_use]
pub fn document() -> Document {
    super::documented(None).1
}

/// The document as JSON, as `docs/openapi.json` has it.
///
/// # Errors
/// When the document cannot be written as JSON.
pub fn json() -> Result<String, serde_json::Error> {
    document().to_pretty_json().map(|text| text + "\n")
}

/// What the document starts from.
pub(crate) fn base() -> Document {
    Base::openapi()
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Chat API",
        version = "1.0.0",
        description = "Parlour's REST API. Log in at `auth/login/`, then send `Authorization: Token <token>`. \
            Messages also arrive live on the account WebSocket `/?token=<token>`.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    tags(
        (name = "auth", description = "Log in and out, one's own tokens and sessions"),
        (name = "users", description = "Accounts"),
        (name = "chats", description = "Rooms and messages"),
        (name = "uploads", description = "Files that come in pieces, by tus 1.0.0"),
    ),
    modifiers(&TokenAuth)
)]
struct Base;

struct TokenAuth;

impl Modify for TokenAuth {
    fn modify(&self, document: &mut Document) {
        let value = ApiKeyValue::with_description(
            "Authorization",
            "The word `Token`, a space, and the token of `auth/login/`.",
        );
        document
            .components
            .get_or_insert_with(Default::default)
            .add_security_scheme("tokenAuth", SecurityScheme::ApiKey(ApiKey::Header(value)));
    }
}
