//! One server.

use super::{
    Bed, everyday, faults,
    server::{Server, left_out},
};
use std::sync::Arc;

/// Each on a server of its own.
macro_rules! on_one_server {
    ($($module:ident::$name:ident($($extra:literal),*),)*) => {
        $(#[tokio::test]
        async fn $name() {
            if left_out() {
                return;
            }
            let server = Arc::new(Server::start(&[$($extra),*]));
            $module::$name(&Bed::new(&server, "e1")).await;
        })*
    };
}

on_one_server! {
    everyday::what_is_said_in_one_process_is_heard_in_the_other_once_and_in_order(),
    everyday::a_process_follows_a_room_while_somebody_there_listens(),
    everyday::who_joins_elsewhere_hears_at_once_and_who_is_removed_hears_no_more(),
    everyday::a_stay_is_heard_whole_whichever_end_comes_first(),
    everyday::nothing_is_missed_while_a_process_begins_to_follow(),
    everyday::typing_reading_and_ended_credentials_cross(),
    everyday::people_are_here_in_every_process(),
    everyday::the_people_of_a_dead_process_leave(),
    faults::clearing_up_is_tried_again(),
    faults::redis_dies_and_an_empty_one_comes_back(),
    faults::who_came_and_left_while_redis_was_away_is_told_afterwards(),
    faults::what_one_process_could_not_say_is_looked_for_by_the_others(),
    faults::a_lost_departure_is_made_up_for(),
    faults::emptying_redis_loses_nothing(),
    faults::a_full_redis_loses_nothing("--maxmemory-policy", "noeviction"),
    everyday::nobody_is_at_a_drained_process(),
    everyday::the_people_of_who_stops_leave_unless_they_came_back(),
    faults::what_will_not_do_is_refused_with_its_reason("--requirepass", "velvet"),
    everyday::words_of_another_version_are_hints(),
}
