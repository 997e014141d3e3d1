//! Who presents a credential, asked by many at once: after a restart every client comes back, and nobody
//! is remembered. Those who ask while others are being answered share the next statement. Nothing is kept
//! afterwards, so a credential that ended is unknown at once.

use super::token;
use crate::{
    engine::Conn,
    fault::Fault,
    sql::{Arg, Sql},
    store::Inner,
};
use parlour_core::{Error, Kind, model::Token};
use std::{collections::HashMap, sync::Arc};
use tokio::sync::{Semaphore, mpsc, oneshot};

/// How many are answered by one statement at most.
const AT_ONCE: usize = 256;
/// How many statements run at once.
const STATEMENTS: usize = 2;

const BY_HASHES: Sql = Sql {
    sqlite: concat!(
        token_columns!(),
        ", t.hash FROM tokens t JOIN users u ON u.id = t.user_id \
         WHERE t.hash IN (SELECT value FROM json_each($1))"
    ),
    postgres: concat!(
        token_columns!(),
        ", t.hash FROM tokens t JOIN users u ON u.id = t.user_id WHERE t.hash = ANY($1::text[])"
    ),
};

type Answer = Result<Option<Token>, Error>;

struct Question {
    hash: Arc<str>,
    reply: oneshot::Sender<Answer>,
}

/// Where credentials are asked for.
pub(crate) struct Lookup {
    /// Unbounded, but there is one question per request under way.
    questions: mpsc::UnboundedSender<Question>,
}

impl Lookup {
    /// The door, and the task that answers.
    pub(crate) fn new(inner: Arc<Inner>) -> (Self, impl Future<Output = ()> + Send) {
        let (questions, asked) = mpsc::unbounded_channel();
        (Self { questions }, answer_all(inner, asked))
    }

    /// Whose credential this is. What was committed before the call is seen.
    pub(crate) async fn token(&self, hash: &str) -> Answer {
        let (reply, answer) = oneshot::channel();
        let hash = hash.into();
        let closed = || Error::unavailable("the store is closed");
        self.questions
            .send(Question { hash, reply })
            .map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?
    }
}

async fn answer_all(inner: Arc<Inner>, mut asked: mpsc::UnboundedReceiver<Question>) {
    let permits = Arc::new(Semaphore::new(STATEMENTS));
    loop {
        // Never closed; without a permit the statements would merely not be limited.
        let permit = Arc::clone(&permits).acquire_owned().await;
        let mut some = Vec::new();
        let count = tokio::select! {
            biased;
            () = inner.stop().cancelled() => 0,
            count = asked.recv_many(&mut some, AT_ONCE) => count,
        };
        if count == 0 {
            return;
        }
        let answering = Arc::clone(&inner);
        inner.spawn(async move {
            let _permit = permit;
            answer(&answering, some).await;
        });
    }
}

async fn answer(inner: &Inner, questions: Vec<Question>) {
    let hashes: Arc<[_]> = questions.iter().map(|one| Arc::clone(&one.hash)).collect();
    let found = inner
        .read(move |conn| {
            let hashes = hashes.iter().map(|hash| Some(hash.to_string())).collect();
            Box::pin(read(conn, Arg::Texts(hashes)))
        })
        .await;
    if let Err(error) = &found {
        tracing::debug!(%error, "credentials could not be read");
    }
    for question in questions {
        let answer = match &found {
            Ok(found) => Ok(found.get(&*question.hash).cloned()),
            Err(error) if error.kind() == Kind::Unavailable => {
                Err(Error::unavailable("credentials could not be read"))
            }
            Err(_) => Err(Error::internal("credentials could not be read")),
        };
        // Who asked went away: then nobody needs the answer.
        let _ = question.reply.send(answer);
    }
}

async fn read(conn: &mut Conn, hashes: Arg) -> Result<HashMap<String, Token>, Fault> {
    let rows = conn.rows(&BY_HASHES, vec![hashes]).await?;
    rows.iter()
        .map(|row| Ok((row.text(8)?, token(row)?)))
        .collect()
}
