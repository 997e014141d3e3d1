//! A browser without scripts: it keeps cookies and fills in forms.

use super::{Answer, Call, Client, PASSWORD};
use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

/// Somebody at a browser.
#[derive(Debug)]
pub(crate) struct Browser {
    client: Client,
    cookies: Mutex<BTreeMap<String, String>>,
}

impl Browser {
    pub(crate) fn new(client: &Client) -> Self {
        Self {
            client: client.clone(),
            cookies: Mutex::default(),
        }
    }

    /// A cookie's value; empty when there is none.
    pub(crate) fn cookie(&self, name: &str) -> String {
        self.jar(|jar| jar.get(name).cloned()).unwrap_or_default()
    }

    pub(crate) fn set_cookie(&self, name: &str, value: &str) {
        self.jar(|jar| jar.insert(name.to_owned(), value.to_owned()));
    }

    fn jar<T>(&self, look: impl FnOnce(&mut BTreeMap<String, String>) -> T) -> T {
        look(&mut self.cookies.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A request with the cookies, to be sent by [`Browser::send`].
    pub(crate) fn call(&self, method: &str, path: &str) -> Call {
        let call = self.client.call(method, path).header("accept", "text/html");
        let cookies = self.jar(|jar| {
            let pairs = jar.iter().map(|(name, value)| format!("{name}={value}"));
            pairs.collect::<Vec<_>>().join("; ")
        });
        if cookies.is_empty() {
            call
        } else {
            call.header("cookie", &cookies)
        }
    }

    /// Sends it and keeps the cookies of the answer.
    pub(crate) async fn send(&self, call: Call) -> Answer {
        let answer = call.await;
        for cookie in answer.headers.get_all("set-cookie") {
            let cookie = cookie.to_str().expect("text");
            let pair = cookie.split(';').next().unwrap_or_default();
            let (name, value) = pair.split_once('=').expect("a pair");
            if cookie.contains("Max-Age=0") {
                self.jar(|jar| jar.remove(name));
            } else {
                self.set_cookie(name, value);
            }
        }
        answer
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(self.call("GET", path)).await
    }

    /// Opens a page, fills in its form and sends it to the same address.
    pub(crate) async fn fill(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let page = self.get(path).await;
        assert_eq!(page.status, 200, "{}", page.text());
        self.post(path, &token(&page), fields).await
    }

    /// Sends a form with this token.
    pub(crate) async fn post(&self, path: &str, token: &str, fields: &[(&str, &str)]) -> Answer {
        let mut all = vec![("csrfmiddlewaretoken", token)];
        all.extend(fields);
        self.send(self.call("POST", path).form(&all)).await
    }

    /// Registers; the account must be made.
    pub(crate) async fn register(&self, nickname: &str, email: &str) {
        let fields = [
            ("email", email),
            ("nickname", nickname),
            ("password1", PASSWORD),
            ("password2", PASSWORD),
        ];
        let answer = self.fill("/accounts/register/", &fields).await;
        assert_eq!(answer.status, 302, "{}", answer.text());
        assert_eq!(answer.header("location"), "/accounts/login/");
    }

    /// Logs in; it must succeed.
    pub(crate) async fn log_in(&self, email: &str) -> Answer {
        let fields = [("username", email), ("password", PASSWORD)];
        let answer = self.fill("/accounts/login/", &fields).await;
        assert_eq!(answer.status, 302, "{}", answer.text());
        answer
    }
}

/// The CSRF token of the first form of a page, found as scripts of the reference find it.
#[track_caller]
pub(crate) fn token(page: &Answer) -> String {
    let text = page.text();
    let begin = "<input type=\"hidden\" name=\"csrfmiddlewaretoken\" value=\"";
    let (_, rest) = text
        .split_once(begin)
        .unwrap_or_else(|| panic!("no token in {text}"));
    rest.split('"').next().unwrap_or_default().to_owned()
}
