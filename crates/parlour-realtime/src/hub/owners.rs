//! Who owned a room at each event of a piece of history.
//!
//! History read back carries the room *as it is now* in `RoomUpdated`, so the owner in it may be a
//! later one. A hand-over that moves the seat says so by `MemberLeft(BecameHost)`; any other one is
//! found by comparing what is known before and after. Hearing depends on the owner only when one of
//! the people concerned also leaves in between, so the guess for the rest is harmless; where it is
//! not, it errs on the side of not delivering.

use parlour_core::{Event, UserId, What, event::LeaveReason};

/// For each event the owner in force after it; `None` as long as nothing is known. `before` is the
/// owner in force before the first event.
pub(super) fn owners(before: Option<UserId>, events: &[Event]) -> Vec<Option<UserId>> {
    let mut owners = vec![None; events.len()];
    let mut known = before;
    let mut start = 0;
    // Stretches between events at which the owner is certain.
    while start < events.len() {
        let (end, at_end, next, next_owner) = stretch(events, start);
        let at_end = at_end.or(known);
        fill(&events[start..end], &mut owners[start..end], known, at_end);
        if let (Some(index), Some(owner)) = (next, next_owner) {
            // The hand-over itself, and the change of seats after it.
            for slot in &mut owners[end..=index] {
                *slot = Some(owner);
            }
            known = Some(owner);
            start = index + 1;
        } else {
            start = events.len();
        }
    }
    owners
}

/// The stretch from `start` to the next hand-over that moves a seat: its end, the owner at its end,
/// and the index of the `BecameHost` and the new owner if there is such a hand-over.
fn stretch(
    events: &[Event],
    start: usize,
) -> (usize, Option<UserId>, Option<usize>, Option<UserId>) {
    let became_host = events[start..]
        .iter()
        .position(|event| matches!(event.what, What::MemberLeft(_, LeaveReason::BecameHost)));
    let Some(index) = became_host.map(|offset| start + offset) else {
        return (events.len(), newest_owner(&events[start..]), None, None);
    };
    let new = match events[index].what {
        What::MemberLeft(user, _) => Some(user),
        _ => None,
    };
    // The former owner takes the seat in the event that follows.
    let former = match events.get(index + 1).map(|event| &event.what) {
        Some(What::MemberJoined(user)) => Some(*user),
        _ => None,
    };
    // The `RoomUpdated` of the hand-over comes right before, unless the piece begins after it.
    let updated = index > start && matches!(events[index - 1].what, What::RoomUpdated(_));
    let end = if updated { index - 1 } else { index };
    (end, former, Some(index), new)
}

/// The owner that the last of these events that names one names.
fn newest_owner(events: &[Event]) -> Option<UserId> {
    events.iter().rev().find_map(|event| match &event.what {
        What::RoomUpdated(room) | What::RoomCreated(room) => Some(room.owner),
        _ => None,
    })
}

/// Fills a stretch in which the owner changes at most once, silently.
fn fill(
    events: &[Event],
    owners: &mut [Option<UserId>],
    before: Option<UserId>,
    after: Option<UserId>,
) {
    let change = if before == after || before.is_none() {
        0
    } else {
        change_at(events, after)
    };
    for (index, slot) in owners.iter_mut().enumerate() {
        *slot = if index < change { before } else { after };
    }
}

/// Where the new owner most likely took over: the first `RoomUpdated` since they are a member.
fn change_at(events: &[Event], new: Option<UserId>) -> usize {
    let joined = events
        .iter()
        .rposition(|event| matches!(event.what, What::MemberJoined(user) if Some(user) == new))
        .unwrap_or(0);
    let update_from = |from: usize| {
        events[from..]
            .iter()
            .position(|event| matches!(event.what, What::RoomUpdated(_)))
            .map(|offset| from + offset)
    };
    update_from(joined)
        .or_else(|| update_from(0))
        .unwrap_or(events.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use parlour_core::{
        RoomId, Time,
        model::{Room, RoomKind},
    };
    use std::sync::Arc;

    const A: UserId = UserId::new(1);
    const B: UserId = UserId::new(2);
    const C: UserId = UserId::new(3);

    /// A room as history shows it: with the owner it has now.
    fn updated(owner: UserId) -> What {
        let at = Time::from_micros(0);
        What::RoomUpdated(Arc::new(Room {
            id: RoomId::new(1),
            name: "room".to_owned(),
            topic: String::new(),
            kind: RoomKind::Group,
            owner,
            max_users: 9,
            created_at: at,
            updated_at: at,
            expires_at: None,
            seq: 99,
            messages: 0,
            users: Vec::new(),
        }))
    }

    fn left(user: UserId) -> What {
        What::MemberLeft(user, LeaveReason::Left)
    }

    fn became_host(user: UserId) -> What {
        What::MemberLeft(user, LeaveReason::BecameHost)
    }

    fn found(before: UserId, whats: Vec<What>) -> Vec<UserId> {
        let events: Vec<_> = (1..)
            .zip(whats)
            .map(|(seq, what)| Event {
                room: RoomId::new(1),
                seq,
                at: Time::from_micros(0),
                what,
            })
            .collect();
        owners(Some(before), &events)
            .into_iter()
            .map(|owner| owner.expect("known from the start"))
            .collect()
    }

    #[test]
    fn a_renamed_room_keeps_its_owner() {
        assert_eq!(found(A, vec![updated(A), left(B), updated(A)]), [A, A, A]);
    }

    #[test]
    fn a_moved_seat_tells_exactly() {
        // Renamed while A (without a seat) owns it, handed to B, who gives it to C later on.
        let whats = vec![
            updated(C),
            left(C),
            updated(C),
            became_host(B),
            What::MemberJoined(A),
            What::MemberJoined(C),
            updated(C),
        ];
        assert_eq!(found(A, whats), [A, A, B, B, B, B, C]);
    }

    #[test]
    fn a_silent_hand_over_is_the_first_update_that_can_be_one() {
        assert_eq!(found(A, vec![updated(B), left(A), updated(B)]), [B, B, B]);
        let whats = vec![updated(B), left(B), What::MemberJoined(B), updated(B)];
        assert_eq!(found(A, whats), [A, A, A, B]);
    }

    #[test]
    fn a_piece_may_begin_inside_a_hand_over() {
        let whats = vec![became_host(B), What::MemberJoined(A), left(A)];
        assert_eq!(found(A, whats), [B, B, B]);
    }

    #[test]
    fn an_unknown_owner_is_the_one_named_later() {
        let events = [Event {
            room: RoomId::new(1),
            seq: 1,
            at: Time::from_micros(0),
            what: updated(A),
        }];
        assert_eq!(owners(None, &events), [Some(A)]);
    }
}
