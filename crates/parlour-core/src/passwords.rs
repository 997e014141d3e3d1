//! Passwords: the rules for choosing one, and hashing on a bounded pool of threads.
//!
//! Argon2id with 19 MiB, t=2, p=1 (OWASP's first recommendation). The pool has its own threads,
//! outside the async runtime, and a bounded queue: a flood of log-ins is answered 503 and never
//! slows messages down.

use crate::{
    error::{BUSY, Error, Problem},
    given::{Given, Problems},
    ports::Random,
    text,
    workers::{Background, Crew, Full, Workers},
};
use argon2::{
    Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version,
    password_hash::phc::PasswordHash,
};
use std::{fmt, io, sync::Arc, time::Duration};
use zxcvbn::matching::patterns::MatchPattern;

/// Shortest password.
pub const MIN_CHARS: usize = 8;
/// Longest password: bounds the work before hashing.
pub const MAX_CHARS: usize = 128;

/// Jobs that may wait per thread; at about 30 ms each the last one waits two seconds.
const QUEUE_PER_THREAD: usize = 64;
/// What a refused caller is told to wait.
const RETRY: Duration = Duration::from_secs(2);

/// A hash of no password that anybody has: verified for unknown users, so that they cost the same
/// work as known ones.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$\
     AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Things known of an account that its password must not resemble.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known<'a> {
    /// Log-in name.
    pub username: Option<&'a str>,
    /// Display name.
    pub nickname: Option<&'a str>,
    /// Email address.
    pub email: Option<&'a str>,
}

/// Applies the rules for a new password to the field `field`; all that apply are noted. Passwords
/// are never trimmed (contract D-05, D-06).
pub fn check(
    field: &'static str,
    given: Given<String>,
    known: Known<'_>,
    required: bool,
    problems: &mut Problems,
) -> Option<String> {
    let password = if required {
        given.required(field, problems)
    } else {
        given.optional(field, problems)
    }?;
    if password.is_empty() {
        problems.add(field, Problem::Blank);
        return None;
    }
    let actual = password.chars().count();
    if actual > MAX_CHARS {
        problems.add(
            field,
            Problem::TooLong {
                max: MAX_CHARS,
                actual,
            },
        );
        return None;
    }
    if password.contains('\0') {
        problems.add(field, Problem::Nul);
        return None;
    }
    let mut found = Vec::new();
    if let Some(to) = similar(&password, known) {
        found.push(Problem::PasswordSimilar { to });
    }
    if actual < MIN_CHARS {
        found.push(Problem::PasswordTooShort { min: MIN_CHARS });
    }
    if is_common(&password) {
        found.push(Problem::PasswordCommon);
    }
    if password.chars().all(char::is_numeric) {
        found.push(Problem::PasswordNumeric);
    }
    let fine = found.is_empty();
    for problem in found {
        problems.add(field, problem);
    }
    fine.then_some(password)
}

/// On the list of common passwords as a whole, whatever its case.
fn is_common(password: &str) -> bool {
    let lower = password.trim().to_lowercase();
    // One match that covers everything and is a plain word of the list.
    matches!(zxcvbn::zxcvbn(&lower, &[]).sequence(), [only]
    if only.token.chars().count() == lower.chars().count()
        && match &only.pattern {
            MatchPattern::Dictionary(word) => {
                !word.reversed
                    && !word.l33t
                    && format!("{:?}", word.dictionary_name) == "Passwords"
            }
            // "abcdefgh", "11111111": zxcvbn finds the pattern before it finds the word.
            MatchPattern::Sequence(_) | MatchPattern::Repeat(_) => true,
            MatchPattern::Spatial(path) => path.turns <= 2,
            _ => false,
        })
}

/// How alike two texts may be before a password counts as similar.
const SIMILARITY: f64 = 0.7;

fn similar(password: &str, known: Known<'_>) -> Option<&'static str> {
    let password = text::key(password);
    let alike = |known: Option<&str>| {
        let whole = text::key(known.unwrap_or_default());
        let parts = whole.split(|c: char| !c.is_alphanumeric());
        std::iter::once(whole.as_str()).chain(parts).any(|part| {
            let length = part.chars().count();
            // A short part inside a long password says nothing.
            let covers = length * 10 >= password.chars().count() * 5;
            length >= 3
                && ((password.contains(part) && covers)
                    || strsim::normalized_levenshtein(&password, part) >= SIMILARITY)
        })
    };
    [
        ("username", known.username),
        ("nickname", known.nickname),
        ("email address", known.email),
    ]
    .into_iter()
    .find_map(|(to, value)| alike(value).then_some(to))
}

/// What verifying found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The right password.
    Right,
    /// The right password, but the stored hash has older parameters: hash it again.
    RightButOld,
    /// The wrong password, or nobody to compare with.
    Wrong,
}

/// The bounded pool of hashing threads. Cloning shares it.
#[derive(Clone)]
pub struct Passwords {
    workers: Workers,
    random: Arc<dyn Random>,
}

impl fmt::Debug for Passwords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passwords")
    }
}

impl Passwords {
    /// Starts the threads; they end when the last clone is dropped.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn start(background: Background, random: Arc<dyn Random>) -> io::Result<Self> {
        let workers = Workers::start(Crew {
            name: "password",
            threads: background.hashing_threads,
            waiting: QUEUE_PER_THREAD,
            prepare: background.prepare,
        })?;
        Ok(Self { workers, random })
    }

    /// A PHC string of the password with a fresh salt.
    ///
    /// # Errors
    /// [`BUSY`] at once when the queue is full.
    pub async fn hash(&self, password: String) -> Result<String, Error> {
        let mut salt = [0; 16];
        self.random.fill(&mut salt);
        self.run(move || hash(&password, &salt)).await?
    }

    /// Compares a password with a stored hash; with `None` it does equal work and answers
    /// [`Verdict::Wrong`].
    ///
    /// # Errors
    /// [`BUSY`] at once when the queue is full.
    pub async fn verify(&self, password: String, hash: Option<String>) -> Result<Verdict, Error> {
        self.run(move || verify(&password, hash.as_deref())).await
    }

    async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let result = self
            .workers
            .submit(job)
            .map_err(|Full| Error::from(BUSY).retry_after(RETRY))?;
        result.await.map_err(Error::internal)
    }
}

fn argon2() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::default())
}

fn hash(password: &str, salt: &[u8]) -> Result<String, Error> {
    argon2()
        .hash_password_with_salt(password.as_bytes(), salt)
        .map(|hash| hash.to_string())
        .map_err(|error| Error::internal(error.to_string()))
}

fn verify(password: &str, hash: Option<&str>) -> Verdict {
    let known = hash.and_then(|hash| PasswordHash::new(hash).ok());
    let is_known = known.is_some();
    let Some(hash) = known.or_else(|| PasswordHash::new(NOBODY).ok()) else {
        return Verdict::Wrong;
    };
    let right = argon2().verify_password(password.as_bytes(), &hash).is_ok();
    match (right && is_known, is_current(&hash)) {
        (false, _) => Verdict::Wrong,
        (true, true) => Verdict::Right,
        (true, false) => Verdict::RightButOld,
    }
}

fn is_current(hash: &PasswordHash) -> bool {
    let current = Params::default();
    Params::try_from(hash).is_ok_and(|params| {
        params.m_cost() == current.m_cost()
            && params.t_cost() == current.t_cost()
            && params.p_cost() == current.p_cost()
    }) && hash.algorithm.as_str() == "argon2id"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::SystemRandom;
    use futures_util::FutureExt;

    fn problems_of(password: &str, known: Known<'_>) -> Vec<String> {
        let mut problems = Problems::default();
        check(
            "password",
            Given::Value(password.into()),
            known,
            true,
            &mut problems,
        );
        problems.check().err().map_or_else(Vec::new, |error| {
            error
                .field_errors()
                .iter()
                .map(|field| field.problem.to_string())
                .collect()
        })
    }

    #[test]
    fn good_passwords_pass() {
        for good in [
            "correct horse battery",
            "x7#kQ!m2",
            " leading and trailing ",
            "비밀번호입니다요",
            "tr0ub4dor&3",
        ] {
            assert_eq!(
                problems_of(good, Known::default()),
                Vec::<String>::new(),
                "{good}"
            );
        }
    }

    #[test]
    fn all_rules_that_apply_are_named() {
        let bad = problems_of("12345", Known::default());
        assert_eq!(bad.len(), 3, "{bad:?}");
        assert!(
            bad[0].contains("too short") && bad[1].contains("common") && bad[2].contains("numeric")
        );
        assert_eq!(
            problems_of("a\0bcdefghijk", Known::default()),
            ["Null characters are not allowed."]
        );
        for common in [
            "password",
            "Password1",
            "qwertyuiop",
            "iloveyou",
            "sunshine",
            "11111111",
            "abcdefgh",
            "1q2w3e4r",
        ] {
            assert!(
                problems_of(common, Known::default())
                    .iter()
                    .any(|p| p.contains("common")),
                "{common}"
            );
        }
    }

    #[test]
    fn a_password_like_the_account_is_refused() {
        let known = Known {
            username: Some("ada.lovelace"),
            nickname: Some("Countess"),
            email: Some("engine@example.org"),
        };
        for (password, to) in [
            ("adalovelace", "username"),
            ("lovelace1842", "username"),
            ("Countess!", "nickname"),
            ("engine@example.org", "email address"),
        ] {
            let found = problems_of(password, known);
            assert!(
                found.iter().any(|p| p.contains(to)),
                "{password}: {found:?}"
            );
        }
        assert_eq!(
            problems_of("difference of squares", known),
            Vec::<String>::new()
        );
    }

    #[test]
    fn the_hash_of_nobody_costs_the_same_work() {
        let nobody = PasswordHash::new(NOBODY).expect("a PHC string");
        assert!(
            is_current(&nobody),
            "parameters differ from those of new hashes"
        );
        assert_eq!(verify("anything", None), Verdict::Wrong);
    }

    #[tokio::test]
    async fn hashes_verify_and_differ() {
        let pool = Passwords::start(Background::on(1), Arc::new(SystemRandom)).expect("a thread");
        let one = pool.hash("correct horse".into()).await.expect("hash");
        let two = pool.hash("correct horse".into()).await.expect("hash");
        assert_ne!(one, two);
        assert!(one.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert_eq!(
            pool.verify("correct horse".into(), Some(one.clone()))
                .await
                .ok(),
            Some(Verdict::Right)
        );
        assert_eq!(
            pool.verify("correct horse ".into(), Some(one)).await.ok(),
            Some(Verdict::Wrong)
        );
    }

    #[tokio::test]
    async fn a_flood_is_refused_not_queued_for_ever() {
        let pool = Passwords::start(Background::on(1), Arc::new(SystemRandom)).expect("a thread");
        let mut waiting: Vec<_> = (0..QUEUE_PER_THREAD + 8)
            .map(|_| Box::pin(pool.verify("x".into(), None)))
            .collect();
        let refused = waiting
            .iter_mut()
            .filter_map(FutureExt::now_or_never)
            .filter(|verdict| verdict.as_ref().is_err_and(|error| error.is(BUSY)))
            .count();
        assert!(refused >= 6, "{refused}");
    }
}
