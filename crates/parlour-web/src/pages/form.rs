//! A form that is shown again: what was typed, and what is wrong with it.

use super::visitor::Visitor;
use crate::body::Fields;
use axum::http::StatusCode;
use minijinja::{
    Value,
    value::{Object, ObjectRepr},
};
use parlour_core::{Error, Problem, error::NO_FIELD};
use serde::{Serialize, Serializer, ser::SerializeStruct as _};
use std::{collections::BTreeMap, sync::Arc};

/// A form as templates see it: `values` and `errors` by field, `summary`, `alert`. A field of which
/// nothing is known is empty and has no errors, so that templates may ask for any.
#[derive(Clone, Debug, Default)]
pub(crate) struct Form {
    values: BTreeMap<String, String>,
    errors: BTreeMap<String, Vec<String>>,
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
struct Link {
    url: &'static str,
    text: String,
}

impl Form {
    /// A form that begins with these values.
    pub(crate) fn with<const N: usize>(values: [(&'static str, String); N]) -> Self {
        let values = values.into_iter();
        Self {
            values: values
                .map(|(field, value)| (field.to_owned(), value))
                .collect(),
            ..Self::default()
        }
    }

    /// A form that keeps what was typed into these fields. Passwords are never among them.
    pub(crate) fn keeping(typed: &Fields, fields: &[&'static str]) -> Self {
        let kept = fields
            .iter()
            .filter_map(|field| Some(((*field).to_owned(), typed.peek(field)?.to_owned())));
        Self {
            values: kept.collect(),
            ..Self::default()
        }
    }

    /// With a sentence above it.
    pub(crate) fn alert(mut self, text: String) -> Self {
        self.alert = Some(text);
        self
    }

    /// With what an action says is wrong; `name` is what this form calls a field of the action.
    pub(crate) fn refused(
        mut self,
        visitor: &Visitor,
        error: &Error,
        name: impl Fn(&'static str) -> &'static str,
    ) -> Self {
        for found in error.field_errors() {
            let text = visitor.problem(&found.problem);
            if found.field == NO_FIELD {
                self.alert = Some(text);
                continue;
            }
            let field = name(found.field);
            self.summary.push(Line {
                field,
                text: text.clone(),
                link: link(visitor, &found.problem),
            });
            let texts = self.errors.entry(field.to_owned()).or_default();
            texts.push(text);
        }
        if error.field_errors().is_empty() {
            self.alert = Some(visitor.error(error));
        }
        self
    }

    /// 200, with and without errors: the contract's pages show a bad form again as they showed it
    /// first.
    pub(crate) fn status(&self) -> StatusCode {
        StatusCode::OK
    }
}

/// Who has an account with this email may want to log in.
fn link(visitor: &Visitor, problem: &Problem) -> Option<Link> {
    let offers = *problem == Problem::EmailTaken && visitor.actor().is_none();
    offers.then(|| Link {
        url: super::next::LOG_IN,
        text: visitor.text("register-log-in-instead"),
    })
}

impl Serialize for Form {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let lists = self.errors.iter();
        let lists = lists.map(|(field, texts)| (field.clone(), Value::from(texts.clone())));
        let values = self.values.iter();
        let values = values.map(|(field, text)| (field.clone(), Value::from(text.clone())));
        let mut form = serializer.serialize_struct("Form", 4)?;
        form.serialize_field("values", &known(values, Value::from("")))?;
        form.serialize_field("errors", &known(lists, Value::from(Vec::<String>::new())))?;
        form.serialize_field("summary", &self.summary)?;
        form.serialize_field("alert", &self.alert)?;
        form.end()
    }
}

fn known(entries: impl Iterator<Item = (String, Value)>, otherwise: Value) -> Value {
    Value::from_object(Known {
        entries: entries.collect(),
        otherwise,
    })
}

/// A map that has something for every name.
#[derive(Debug)]
struct Known {
    entries: BTreeMap<String, Value>,
    otherwise: Value,
}

impl Object for Known {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Map
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let found = self.entries.get(key.as_str()?);
        Some(found.unwrap_or(&self.otherwise).clone())
    }
}
