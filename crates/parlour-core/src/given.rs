//! What a caller gave for a field, before any rule was applied.
//!
//! Faces turn their own forms (JSON values, form fields, flags) into [`Given`]; the actions apply
//! the rules and report all bad fields at once.

use crate::error::{Error, FieldError, Problem};

/// A field of an input.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Given<T> {
    /// Not there.
    #[default]
    Missing,
    /// Explicitly null.
    Null,
    /// There, but not of the field's type.
    Wrong(Problem),
    /// There.
    Value(T),
}

impl<T> Given<T> {
    /// The value of a field that must be there.
    pub fn required(self, field: &'static str, problems: &mut Problems) -> Option<T> {
        if matches!(self, Self::Missing) {
            problems.add(field, Problem::Required);
        }
        self.optional(field, problems)
    }

    /// The value of a field that may be missing but not null.
    pub fn optional(self, field: &'static str, problems: &mut Problems) -> Option<T> {
        match self {
            Self::Missing => None,
            Self::Null => {
                problems.add(field, Problem::Null);
                None
            }
            Self::Wrong(problem) => {
                problems.add(field, problem);
                None
            }
            Self::Value(value) => Some(value),
        }
    }

    /// Whether the caller said anything about the field.
    #[must_use]
    pub const fn is_missing(&self) -> bool {
        matches!(self, Self::Missing)
    }
}

impl<T> From<T> for Given<T> {
    fn from(value: T) -> Self {
        Self::Value(value)
    }
}

/// The problems found so far.
#[derive(Debug, Default)]
pub struct Problems(Vec<FieldError>);

impl Problems {
    /// Notes a problem.
    pub fn add(&mut self, field: &'static str, problem: Problem) {
        self.0.push(FieldError { field, problem });
    }

    /// Whether the field has a problem already.
    #[must_use]
    pub fn has(&self, field: &str) -> bool {
        self.0.iter().any(|error| error.field == field)
    }

    /// All problems found.
    #[must_use]
    pub fn into_fields(self) -> Vec<FieldError> {
        self.0
    }

    /// Nothing if there is no problem, else all of them as one error.
    ///
    /// # Errors
    /// [`crate::error::INVALID`] with every bad field.
    pub fn check(self) -> Result<(), Error> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(Error::fields(self.0))
        }
    }
}
