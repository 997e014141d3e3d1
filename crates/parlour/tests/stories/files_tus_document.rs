//! The example of docs/protocol/uploads.md, line by line.

use crate::{
    files_tus::UPLOADS,
    support::{Server, stories},
};

stories![the_document_is_true];

async fn the_document_is_true(server: Server) {
    let text = include_str!("../../../../docs/protocol/uploads.md");
    let example = text.split("```").nth(1).expect("an example");
    let ada = server.user("ada").await;
    let mut real = String::new();
    for exchange in example.trim().split("\n\n") {
        let lines: Vec<_> = exchange.lines().collect();
        let asked: Vec<_> = lines
            .iter()
            .filter_map(|l| l.strip_prefix('>').map(str::trim_start))
            .collect();
        let told: Vec<_> = lines
            .iter()
            .filter_map(|l| l.strip_prefix('<').map(str::trim_start))
            .collect();
        let (method, path) = asked[0].split_once(' ').expect("a line");
        let path = if path == UPLOADS { UPLOADS } else { &real };
        let mut call = ada.call(method, path);
        let mut parts = asked[1..].splitn(2, |line| line.is_empty());
        let mut kind = "";
        for line in parts.next().expect("headers") {
            let (name, value) = line.split_once(": ").expect("a header");
            match name {
                "Content-Type" => kind = value,
                _ => call = call.header(&name.to_lowercase(), value),
            }
        }
        if let Some([body]) = parts.next() {
            call = call.body(kind, (*body).to_owned());
        }
        let answer = call.await;
        assert_eq!(answer.status.to_string(), told[0], "{exchange}");
        for line in &told[1..] {
            let (name, value) = line.split_once(": ").expect("a header");
            let said = answer.header(&name.to_lowercase());
            if name == "Location" {
                assert_eq!(said.len(), value.len(), "{said}");
                said.clone_into(&mut real);
            } else {
                assert_eq!(said, value, "{line}");
            }
        }
    }
    assert!(!real.is_empty());
}
