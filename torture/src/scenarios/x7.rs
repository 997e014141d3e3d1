//! X7: one seat, many who want it at the same moment.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, ensure};
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, try_join_all};
use serde_json::json;

use crate::history::{Event, What};
use crate::http::Http;
use crate::nodes::Nodes;
use crate::people::{self, Person, RoomId, room_path};
use crate::scenario::{BOTH, Context, Outcome, Scenario};

/// The row of the table.
pub const SCENARIO: Scenario = Scenario {
    id: "X7",
    what: "a room with one seat, 64 joins at once: never over the limit",
    engines: BOTH,
    run: boxed,
};

const PEOPLE: usize = 64;

fn boxed(context: &Context) -> BoxFuture<'_, Result<Outcome>> {
    run(context).boxed()
}

async fn run(context: &Context) -> Result<Outcome> {
    let rounds = context.rounds(10, 100);
    let stage = context.stage().await?;
    let nodes = Nodes::start(&stage, context.nodes).await?;
    let http = nodes.http();
    let people = people::people(&http, PEOPLE).await?;
    let owner = &people[0];
    let room = people::room_of(&http, owner, json!({"name": "one seat", "max_users": 1})).await?;
    let mut seated: Option<usize> = None;
    for round in 0..rounds {
        // Every second time the seat is given up while all others want it.
        let leaving = seated.filter(|_| round % 2 == 1);
        if leaving.is_none()
            && let Some(guest) = seated
        {
            people::leave(&http, &people[guest], room).await?;
        }
        let winners = rush(&nodes, &people, room, leaving).await?;
        let now = seat(&http, owner, room).await?;
        ensure!(now.len() <= 1, "round {round}: {now:?} have one seat");
        // Without anybody leaving there is exactly one winner; else none to a few in turn.
        ensure!(
            leaving.is_some() || winners == now.len() && winners == 1,
            "round {round}: {winners} were let in, {now:?} have the seat"
        );
        seated = now
            .first()
            .and_then(|id| people.iter().position(|person| person.id == *id));
    }
    let events = people::history(&http, owner, room, 0).await?;
    let doors = never_over(&events)?;
    let note = nodes.note();
    nodes.stop().await?;
    Ok(Outcome::Passed(format!(
        "{note}{rounds} rushes of {PEOPLE}, the seat changed hands {doors} times: never two on it"
    )))
}

/// All join at once; how many were let in. Everybody else must hear that the room is full.
async fn rush(
    nodes: &Nodes,
    people: &[Person],
    room: RoomId,
    leaving: Option<usize>,
) -> Result<usize> {
    let one = async |number: usize| -> Result<bool> {
        let (person, http) = (&people[number], nodes.http_of(number));
        if leaving == Some(number) {
            people::leave(&http, person, room).await?;
            return Ok(false);
        }
        let path = room_path(room, "join/");
        let answer = http.insist("PUT", &path, Some(&person.token), None).await?;
        match answer.status {
            200 => Ok(true),
            400 => {
                let text = answer.body.to_string();
                ensure!(text.contains("Max users limit"), "refused with {text}");
                Ok(false)
            }
            status => anyhow::bail!("{status}: {}", answer.body),
        }
    };
    let answers = try_join_all((0..people.len()).map(one)).await?;
    Ok(answers.into_iter().filter(|let_in| *let_in).count())
}

async fn seat(http: &Http, owner: &Person, room: RoomId) -> Result<Vec<i64>> {
    let path = room_path(room, "");
    let room = http.insist("GET", &path, Some(&owner.token), None).await?;
    let room = room.ok(200)?;
    let users = room["users"].as_array().context("no users")?;
    Ok(users.iter().filter_map(serde_json::Value::as_i64).collect())
}

/// Goes through the room's stream: at no place are there two. How often somebody sat down.
fn never_over(events: &[Event]) -> Result<usize> {
    let mut seated = BTreeSet::new();
    let mut joins = 0;
    for event in events {
        match event.what {
            What::Joined(person) => {
                joins += 1;
                seated.insert(person);
            }
            What::Left(person) => {
                seated.remove(&person);
            }
            _ => {}
        }
        ensure!(
            seated.len() <= 1,
            "at {}: {seated:?} have one seat",
            event.seq
        );
    }
    Ok(joins)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(whats: &[What]) -> Vec<Event> {
        let numbered = whats.iter().zip(1..);
        numbered
            .map(|(what, seq)| Event {
                room: 1,
                seq,
                what: what.clone(),
            })
            .collect()
    }

    #[test]
    fn two_on_one_seat_are_found() {
        let good = [What::Other, What::Joined(1), What::Left(1), What::Joined(2)];
        assert_eq!(never_over(&stream(&good)).expect("never two"), 2);
        let bad = [What::Joined(1), What::Joined(2), What::Left(1)];
        assert!(never_over(&stream(&bad)).is_err());
    }
}
