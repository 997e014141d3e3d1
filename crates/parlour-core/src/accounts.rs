//! Accounts: sign up, log in, credentials, profile, deletion.

pub mod authenticate;
mod credentials;
mod delete;
mod list;
mod log_in;
mod operate;
mod register;
mod update;

pub use authenticate::{authenticate, secret_hash};
pub use credentials::{end_credential, list_credentials, log_out};
pub use delete::delete;
pub use list::{get, list};
pub use log_in::{Issued, LogIn, log_in};
pub use operate::{NewAccount, create, deactivate, promote, reset_password};
pub use register::{SignUp, register};
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
