//! Accounts: sign up, log in, credentials, profile, deletion.

mod administer;
pub mod authenticate;
mod credentials;
mod delete;
mod list;
mod log_in;
mod operate;
mod password;
mod preferences;
mod register;
mod service;
mod set_up;
mod update;

pub use administer::{Administer, administer, list_as_admin};
pub use authenticate::{authenticate, secret_hash};
pub use credentials::{
    end_credential, end_other_credentials, issue_token, list_credentials, log_out,
};
pub use delete::delete;
pub use list::{by_nickname, get, list};
pub use log_in::{Issued, LogIn, log_in, open_session};
pub use operate::{NewAccount, create, deactivate, promote, reset_password};
pub use password::change_password;
pub use preferences::{UpdatePreferences, preferences, set_preferences};
pub use register::{PageSignUp, SignUp, register, register_by_email};
pub use service::{issue_to_service, service};
pub use set_up::{SetUp, is_set_up, prepare_set_up, set_up};
pub use update::{UpdateUser, update};

use crate::{
    error::{FieldError, Problem},
    ports::TakenField,
};

/// The field errors of names that are somebody else's.
fn taken_errors(taken: Vec<TakenField>) -> Vec<FieldError> {
    taken
        .into_iter()
        .map(|field| match field {
            TakenField::Username => FieldError {
                field: "username",
                problem: Problem::UsernameTaken,
            },
            TakenField::Nickname => FieldError {
                field: "nickname",
                problem: Problem::NicknameTaken,
            },
            TakenField::Email => FieldError {
                field: "email",
                problem: Problem::EmailTaken,
            },
        })
        .collect()
}
