//! Pages of lists (contract 1, "Pagination").

use parlour_core::model::{Page, PageNumber, PageRequest};
use serde::Serialize;
use std::num::IntErrorKind;
use utoipa::ToSchema;

const DEFAULT_SIZE: i64 = 10;
/// Largest page; the seed has no bound (D-22).
const MAX_SIZE: i64 = 100;

/// The query of a request; of a repeated key the last value counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct QueryFields(Vec<(String, String)>);

impl QueryFields {
    /// Reads a query string; whatever is in it, it has some reading.
    pub(crate) fn new(query: Option<&str>) -> Self {
        let pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        Self(pairs.into_owned().collect())
    }

    /// The value of a key.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .rev()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// The page that is asked for; `None` when it cannot exist.
    pub(crate) fn page(&self) -> Option<PageRequest> {
        let size = self
            .get("page_size")
            // What is too large for any number is more than the cap.
            .and_then(|text| match text.trim().parse::<i64>() {
                Err(error) if *error.kind() == IntErrorKind::PosOverflow => Some(i64::MAX),
                parsed => parsed.ok(),
            });
        let size = size
            .filter(|size| *size > 0)
            .unwrap_or(DEFAULT_SIZE)
            .min(MAX_SIZE);
        let page = match self.get("page") {
            None => PageNumber::Nth(1),
            Some("last") => PageNumber::Last,
            Some(text) => PageNumber::Nth(text.trim().parse().ok()?),
        };
        Some(PageRequest { page, size })
    }
}

/// What is known of a list besides its rows.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PageMetadata {
    /// How many pages the list has; an empty list has one.
    #[schema(example = 1)]
    total_pages: i64,
    /// How many rows the list has.
    #[schema(example = 1)]
    count: i64,
    /// Rows on a page, as used.
    #[schema(example = 10)]
    page_size: i64,
}

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Paged<T> {
    page_metadata: PageMetadata,
    results: Vec<T>,
}

impl<T> From<Page<T>> for Paged<T> {
    fn from(page: Page<T>) -> Self {
        Self {
            page_metadata: PageMetadata {
                total_pages: page.total_pages(),
                count: page.count,
                page_size: page.size,
            },
            results: page.items,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn page(query: &str) -> Option<(PageNumber, i64)> {
        QueryFields::new(Some(query))
            .page()
            .map(|request| (request.page, request.size))
    }

    #[test]
    fn pages_and_sizes() {
        assert_eq!(page(""), Some((PageNumber::Nth(1), 10)));
        assert_eq!(page("page=last&page_size=7"), Some((PageNumber::Last, 7)));
        assert_eq!(page("page=1&page=2"), Some((PageNumber::Nth(2), 10)));
        for ten in ["page_size=0", "page_size=-3", "page_size=x", "page_size="] {
            assert_eq!(page(ten), Some((PageNumber::Nth(1), 10)), "{ten}");
        }
        assert_eq!(
            page("page_size=99999999999999999999"),
            Some((PageNumber::Nth(1), MAX_SIZE))
        );
        assert_eq!(
            page("page_size=1000000000"),
            Some((PageNumber::Nth(1), 100))
        );
        for none in ["page=", "page=x", "page=1.5", "page=99999999999999999999"] {
            assert_eq!(page(none), None, "{none}");
        }
        // Refused later, when the length of the list is known.
        assert_eq!(page("page=-1"), Some((PageNumber::Nth(-1), 10)));
    }

    proptest! {
        #[test]
        fn any_query_has_a_reading(query in ".{0,60}") {
            if let Some((_, size)) = page(&query) {
                prop_assert!((1..=MAX_SIZE).contains(&size));
            }
        }
    }
}
