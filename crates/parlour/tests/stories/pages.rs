//! Contract 1: every list comes in pages.

use crate::support::{MESSAGES, ROOMS, Server, USERS, json, people::ids, stories};

stories![
    an_empty_list_has_one_page,
    pages_of_every_list,
    a_page_of_users_is_newest_first,
];

async fn an_empty_list_has_one_page(server: Server) {
    let ada = server.user("ada").await;
    let empty = json!({
        "page_metadata": {"total_pages": 1, "count": 0, "page_size": 10}, "results": [],
    });
    ada.get(ROOMS).await.is(200, &empty);
    ada.get(MESSAGES).await.is(200, &empty);
    ada.get(&format!("{MESSAGES}?page=last"))
        .await
        .is(200, &empty);
    ada.get(&format!("{MESSAGES}?page=2"))
        .await
        .is_detail(404, "Invalid page.");
}

async fn pages_of_every_list(server: Server) {
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    let mut made = Vec::new();
    for number in 0..25 {
        made.push(
            ada.say(room, &format!("m{number}")).await["id"]
                .as_i64()
                .expect("id"),
        );
    }
    made.reverse();
    let pages: [(&str, &[i64], i64, i64); 12] = [
        ("", &made[..10], 3, 10),
        ("page=1", &made[..10], 3, 10),
        ("page=2", &made[10..20], 3, 10),
        ("page=3", &made[20..], 3, 10),
        ("page=last", &made[20..], 3, 10),
        ("page_size=7", &made[..7], 4, 7),
        ("page_size=7&page=4", &made[21..], 4, 7),
        ("page_size=7&page=last", &made[21..], 4, 7),
        ("page_size=0", &made[..10], 3, 10),
        ("page_size=-1", &made[..10], 3, 10),
        ("page_size=x&page=2", &made[10..20], 3, 10),
        ("page_size=1000000000", &made[..], 1, 100),
    ];
    for (query, rows, total, size) in pages {
        let answer = ada.get(&format!("{MESSAGES}?{query}")).await;
        assert_eq!(ids(&answer.rows()), rows, "{query}");
        let metadata = json!({"total_pages": total, "count": 25, "page_size": size});
        assert_eq!(answer.json()["page_metadata"], metadata, "{query}");
        assert_eq!(
            answer.json().as_object().map(serde_json::Map::len),
            Some(2),
            "{query}"
        );
    }
    for query in [
        "page=0",
        "page=-1",
        "page=",
        "page=x",
        "page=1.5",
        "page=4",
        "page=999999999999",
        "page=99999999999999999999999",
        "page=4&page_size=8&page=5",
        "page=Last",
        "page=%00",
    ] {
        for list in [USERS, ROOMS, MESSAGES] {
            let answer = ada.get(&format!("{list}?{query}")).await;
            assert_eq!(answer.status, 404, "{list}?{query}: {}", answer.text());
            answer.is_detail(404, "Invalid page.");
        }
    }
}

async fn a_page_of_users_is_newest_first(server: Server) {
    let mut made = Vec::new();
    for name in ["ada", "bob", "eve"] {
        made.push(server.user(name).await.id);
    }
    made.reverse();
    assert_eq!(ids(&server.get(USERS).await.rows()), made);
    assert_eq!(
        ids(&server
            .get(&format!("{USERS}?page_size=2&page=2"))
            .await
            .rows()),
        made[2..]
    );
}
