//! A form that is shown again: what was typed, and what is wrong with it.

use super::{error::Failure, visitor::Visitor};
use crate::body::Fields;
use parlour_core::{Error, FieldError, Kind, error::NO_FIELD};
use serde::Serialize;
use std::collections::BTreeMap;

/// A form as templates see it.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Form {
    values: BTreeMap<&'static str, String>,
    errors: BTreeMap<&'static str, Vec<String>>,
    summary: Vec<Line>,
    alert: Option<String>,
}

/// A line of the summary above a form.
#[derive(Clone, Debug, Serialize)]
struct Line {
    field: &'static str,
    text: String,
    link: Option<Link>,
}

/// What one could do about it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Link {
    /// Where.
    pub(crate) url: String,
    /// What the link says.
    pub(crate) text: String,
}

impl Form {
    /// An empty form with these fields.
    pub(crate) fn new(fields: &[&'static str]) -> Self {
        Self {
            values: fields.iter().map(|field| (*field, String::new())).collect(),
            errors: fields.iter().map(|field| (*field, Vec::new())).collect(),
            ..Self::default()
        }
    }

    /// With a value in a field.
    pub(crate) fn value(mut self, field: &'static str, value: impl Into<String>) -> Self {
        self.values.insert(field, value.into());
        self
    }

    /// With what was typed into these fields. Passwords are never among them.
    pub(crate) fn keep(mut self, typed: &Fields, fields: &[&'static str]) -> Self {
        for field in fields {
            if let Some(text) = typed.peek(field) {
                self.values.insert(field, text.to_owned());
            }
        }
        self
    }

    /// With a sentence above it.
    pub(crate) fn alert(mut self, text: String) -> Self {
        self.alert = Some(text);
        self
    }

    /// With what an action says is wrong.
    ///
    /// # Errors
    /// What is not the fault of who filled in the form, for a page of its own.
    pub(crate) fn refused(
        mut self,
        visitor: &Visitor,
        error: Error,
        link: impl Fn(&FieldError) -> Option<Link>,
    ) -> Result<Self, Failure> {
        if !matches!(error.kind(), Kind::Invalid | Kind::Conflict) {
            return Err(error.into());
        }
        for found in error.field_errors() {
            let text = visitor.problem(&found.problem);
            if found.field == NO_FIELD {
                self.alert = Some(text);
                continue;
            }
            self.summary.push(Line {
                field: found.field,
                text: text.clone(),
                link: link(found),
            });
            self.errors.entry(found.field).or_default().push(text);
        }
        if error.field_errors().is_empty() {
            self.alert = Some(visitor.error(&error));
        }
        Ok(self)
    }

    /// The errors of a field under the name that the form has for it.
    pub(crate) fn rename(mut self, from: &'static str, to: &'static str) -> Self {
        if let Some(texts) = self.errors.remove(from) {
            self.errors.entry(to).or_default().extend(texts);
        }
        for line in &mut self.summary {
            if line.field == from {
                line.field = to;
            }
        }
        self
    }
}
