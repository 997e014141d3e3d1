//! Precedence, every refusal, and what is never shown.

use super::{
    Config, Origin, Surroundings,
    examples::{Example, render},
    setting::Secrecy,
    table,
};
use std::{fs, path::Path, time::Duration};
use tempfile::TempDir;

/// Surroundings in a folder of their own.
struct Place {
    dir: TempDir,
    around: Surroundings,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let around = Surroundings {
            directory: dir.path().to_owned(),
            ..Surroundings::default()
        };
        Self { dir, around }
    }

    fn file(self, name: &str, text: &str) -> Self {
        fs::write(self.dir.path().join(name), text).expect("written");
        self
    }

    fn dot_env(self, text: &str) -> Self {
        self.file(".env", text)
    }

    fn toml(self, text: &str) -> Self {
        self.file("parlour.toml", text)
    }

    fn env(mut self, name: &str, value: &str) -> Self {
        self.around.environment.push((name.into(), value.into()));
        self
    }

    fn flag(mut self, name: &'static str, value: &str) -> Self {
        self.around.flags.insert(name, value.into());
        self
    }

    fn config(&self) -> Config {
        Config::load(&self.around).unwrap_or_else(|refusals| panic!("{refusals}"))
    }

    /// The sentences; there must be some.
    fn refusals(&self) -> Vec<String> {
        Config::load(&self.around).expect_err("refused").0
    }

    /// The sentence; there must be one.
    fn refusal(&self) -> String {
        let mut refusals = self.refusals();
        assert_eq!(refusals.len(), 1, "{refusals:?}");
        refusals.remove(0)
    }
}

#[test]
fn defaults_are_those_of_the_contract() {
    let config = Place::new().config();
    assert_eq!(config.server.listen.to_string(), "127.0.0.1:8000");
    assert_eq!(config.server.public_url, None);
    assert!(config.server.trusted_proxies.is_empty() && config.server.cors_origins.is_empty());
    assert_eq!(config.server.shutdown_timeout, Duration::from_secs(10));
    assert_eq!(config.storage.data_dir, Path::new("./data"));
    assert_eq!(
        config.storage.database_url.expose(),
        "sqlite://./data/parlour.db"
    );
    assert_eq!(config.storage.blobs_url.expose(), "file://./data/media");
    assert_eq!(config.product.max_upload_bytes, 25 << 20);
    assert_eq!(config.product.max_users_in_room, 250);
    assert_eq!(config.product.default_max_users, 50);
    assert_eq!(
        config.product.room_lifetime,
        Some(Duration::from_secs(7 * 24 * 3600))
    );
    assert_eq!(config.product.max_text_chars, 10_000);
    assert!(config.product.open_registration && config.product.public_user_list);
    assert!(config.product.rates.is_some());
    assert!(config.security.hashing_threads >= 1);
    assert!(config.warnings().is_empty());
}

#[test]
fn each_source_wins_over_the_next() {
    let listed = |place: &Place| {
        let config = place.config();
        let listed = config
            .listing
            .into_iter()
            .find(|one| one.name == "MAX_TEXT_CHARS");
        let listed = listed.expect("a setting");
        (listed.value.expect("a value"), listed.origin)
    };
    let place = Place::new();
    assert_eq!(listed(&place), ("10000".into(), Origin::Default));
    let place = place.toml("# rules\nmax_text_chars = 1\n");
    let file = "parlour.toml".to_owned();
    assert_eq!(listed(&place), ("1".into(), Origin::File { file }));
    let place = place.dot_env("\nMAX_TEXT_CHARS=2\n");
    assert_eq!(listed(&place), ("2".into(), Origin::DotEnv { line: 2 }));
    let place = place.env("MAX_TEXT_CHARS", "3");
    assert_eq!(listed(&place), ("3".into(), Origin::Environment));
    let place = place.flag("MAX_TEXT_CHARS", "4");
    assert_eq!(listed(&place), ("4".into(), Origin::Flag));
    assert_eq!(place.config().product.max_text_chars, 4);
}

#[test]
fn another_file_may_be_named() {
    let mut place = Place::new()
        .toml("max_text_chars = 1")
        .file("other.toml", "max_text_chars = 2");
    place.around.config_file = Some("other.toml".into());
    assert_eq!(place.config().product.max_text_chars, 2);
    place.around.config_file = Some("none.toml".into());
    assert!(place.refusal().starts_with("none.toml: cannot be read: "));
}

#[test]
fn values_of_all_kinds_arrive() {
    let place = Place::new()
        .toml(
            "room_lifetime = 0\nrate_limits = false\ntrusted_proxies = [\"10.0.0.0/8\", \"::1\"]\n\
             cors_origins = \"https://a.example, https://b.example\"\nuser_list = \"members\"\n",
        )
        .dot_env(
            "export PUBLIC_URL='https://Chat.example.org/' # ours\nMAX_UPLOAD_BYTES=\"1 GiB\"\n\
             PARLOUR_REGISTRATION=closed\n",
        )
        .env("PARLOUR_OPS_LISTEN", "127.0.0.1:9000")
        .env("PARLOUR_DATABASE_CONNECTIONS", "7")
        .env("PARLOUR_DATA_DIR", "/srv/chat/");
    let config = place.config();
    assert_eq!(config.product.room_lifetime, None);
    assert!(config.product.rates.is_none());
    assert_eq!(config.warnings().len(), 1, "RATE_LIMITS is off");
    let proxies = ["10.0.0.0/8", "::1"].map(|text| text.parse().expect(text));
    assert_eq!(config.server.trusted_proxies, proxies);
    assert_eq!(config.server.cors_origins.len(), 2);
    assert!(!config.product.public_user_list && !config.product.open_registration);
    let public = config.server.public_url.expect("given");
    assert!(public.as_str() == "https://chat.example.org");
    assert_eq!(config.product.max_upload_bytes, 1 << 30);
    assert_eq!(config.ops.listen.map(|at| at.port()), Some(9000));
    assert_eq!(config.storage.database_connections, Some(7));
    assert_eq!(
        config.storage.database_url.expose(),
        "sqlite:///srv/chat/parlour.db"
    );
}

#[test]
fn empty_variables_count_as_not_set() {
    let place = Place::new()
        .toml("max_text_chars = 5")
        .dot_env("MAX_TEXT_CHARS=\nREDIS_URL=")
        .env("MAX_TEXT_CHARS", " ");
    assert_eq!(place.config().product.max_text_chars, 5);
}

#[test]
fn other_peoples_variables_are_not_our_business() {
    let place = Place::new()
        .env("PORT", "nonsense")
        .env("LISTEN", "nonsense")
        .env("PARLOUR_TEST_DATABASE", "x")
        .env("RATE_LIMIT", "x")
        .dot_env("PARLOUR_TEST_X=1\nPOSTGRES_PASSWORD=x\n");
    place.config();
}

#[test]
fn unknown_names_are_refused_with_the_closest_known_one() {
    for (place, expected) in [
        (
            Place::new().toml("lisen = \"x\""),
            "parlour.toml, key lisen: no such setting. Did you mean listen?",
        ),
        (
            Place::new().toml("[server]\nlisten = \"x\""),
            "parlour.toml, key server: no such setting.",
        ),
        (
            Place::new().toml("DATABASE_URL = \"x\""),
            "parlour.toml, key DATABASE_URL: no such setting. Did you mean database_url?",
        ),
        (
            Place::new().env("PARLOUR_LISTN", "x"),
            "environment variable PARLOUR_LISTN: no such setting. Did you mean PARLOUR_LISTEN?",
        ),
        (
            Place::new().env("PARLOUR_DATABASE_URL", "x"),
            "environment variable PARLOUR_DATABASE_URL: no such setting. Did you mean DATABASE_URL?",
        ),
        (
            Place::new().dot_env("# ours\nPARLOUR_COLOUR=x"),
            ".env line 2, PARLOUR_COLOUR: no such setting.",
        ),
        (
            Place::new().env("PARLOUR_PORT_8000_TCP", "x"),
            "environment variable PARLOUR_PORT_8000_TCP: no such setting. Kubernetes sets it for a service called parlour; `enableServiceLinks: false` in the pod keeps it away.",
        ),
    ] {
        assert_eq!(place.refusal(), expected);
    }
}

#[test]
fn bad_values_are_refused_by_place_and_expectation() {
    for (place, expected) in [
        (
            Place::new().flag("PARLOUR_LISTEN", "8000"),
            "flag --listen: expected an address and port such as 127.0.0.1:8000 or [::]:8000, not \"8000\".",
        ),
        (
            Place::new().env("ROOM_LIFETIME", "a week"),
            "environment variable ROOM_LIFETIME: expected a duration of at least a second such as `7d` or `12h`, or `never`, not \"a week\".",
        ),
        (
            Place::new().dot_env("\n\nRATE_LIMITS=maybe"),
            ".env line 3, RATE_LIMITS: expected `on` or `off`, not \"maybe\".",
        ),
        (
            Place::new().toml("max_users_in_room = 1.5"),
            "parlour.toml, key max_users_in_room: expected a whole number from 1 to 1000000, not \"1.5\".",
        ),
        (
            Place::new().toml("listen = { port = 80 }"),
            "parlour.toml, key listen: expected a text, a number, true or false, or a list of texts.",
        ),
        (
            Place::new().env("PARLOUR_SHUTDOWN_TIMEOUT", "1h"),
            "environment variable PARLOUR_SHUTDOWN_TIMEOUT: expected a duration from `1s` to `10m`, not \"1h\".",
        ),
        (
            Place::new().env("PARLOUR_DRAIN_PAUSE", "2m"),
            "environment variable PARLOUR_DRAIN_PAUSE: expected a duration up to `1m`, or `0`, not \"2m\".",
        ),
        (
            Place::new().env("PARLOUR_CANARY_INTERVAL", "500ms"),
            "environment variable PARLOUR_CANARY_INTERVAL: expected a duration from `1s` to `1h`, or `0`, not \"500ms\".",
        ),
        (
            Place::new().env("PARLOUR_LOG_FORMAT", "xml"),
            "environment variable PARLOUR_LOG_FORMAT: expected one of `auto`, `human`, `json`, not \"xml\".",
        ),
        (
            Place::new().env("PARLOUR_CORS_ORIGINS", "*"),
            "environment variable PARLOUR_CORS_ORIGINS: expected an http or https URL without a path such as `https://chat.example.org`, not \"*\".",
        ),
    ] {
        assert_eq!(place.refusal(), expected);
    }
}

#[test]
fn each_setting_refuses_nonsense_and_all_refusals_come_at_once() {
    // A control character is no value of anything but paths.
    let unchecked = ["PARLOUR_DATA_DIR"];
    let mut place = Place::new();
    for setting in table::all().filter(|setting| !unchecked.contains(&setting.name)) {
        place.around.flags.insert(setting.name, "\u{7}".into());
    }
    let refusals = place.refusals();
    for setting in table::all().filter(|setting| !unchecked.contains(&setting.name)) {
        let start = format!("flag --{}: ", setting.flag());
        let found = refusals.iter().filter(|one| one.starts_with(&start));
        assert_eq!(found.count(), 1, "{start} {refusals:?}");
    }
    let place = Place::new().flag("PARLOUR_DATA_DIR", "");
    assert_eq!(
        place.refusal(),
        "flag --data-dir: expected a path, not \"\"."
    );
}

#[test]
fn files_that_cannot_be_read_are_refused_without_showing_them() {
    let secret = "s3cret-s3cret-s3cret";
    for (place, expected) in [
        (
            Place::new().dot_env(&format!("A=1\nSECRET_KEY={secret} {secret}\n")),
            ".env line 2: expected NAME=value; a value with spaces, `#` or `$` needs 'single quotes'.",
        ),
        (
            Place::new().toml(&format!("\nsecret_key = \"{secret}\n")),
            "parlour.toml line 2: not TOML: ",
        ),
        (
            Place::new().toml(&format!(
                "secret_key = \"{secret}\"\nsecret_key = \"{secret}\"\n"
            )),
            "parlour.toml line 2: not TOML: duplicate key",
        ),
    ] {
        let refusal = place.refusal();
        assert!(refusal.starts_with(expected), "{refusal}");
        assert!(!refusal.contains(secret), "{refusal}");
    }
    let place = Place::new();
    fs::write(place.dir.path().join(".env"), b"A=\xff").expect("written");
    assert_eq!(place.refusal(), ".env: not UTF-8.");
    let place = Place::new();
    fs::create_dir(place.dir.path().join("parlour.toml")).expect("made");
    assert!(
        place
            .refusal()
            .starts_with("parlour.toml: cannot be read: ")
    );
}

#[cfg(unix)]
#[test]
fn variables_that_are_not_utf8_are_refused() {
    use std::os::unix::ffi::OsStringExt;
    let mut place = Place::new();
    let value = std::ffi::OsString::from_vec(vec![0xff]);
    place
        .around
        .environment
        .push(("OTHER".into(), value.clone()));
    place.config();
    place.around.environment.push(("PUBLIC_URL".into(), value));
    assert_eq!(
        place.refusal(),
        "environment variable PUBLIC_URL: not UTF-8."
    );
}

#[test]
fn the_default_number_of_seats_keeps_the_limit() {
    let place = Place::new().env("MAX_USERS_IN_ROOM", "20");
    assert_eq!(place.config().product.default_max_users, 20);
    let place = place.toml("default_max_users = 21");
    assert_eq!(
        place.refusal(),
        "parlour.toml, key default_max_users: expected at most 20 (environment variable MAX_USERS_IN_ROOM), not \"21\"."
    );
    let place = Place::new().flag("DEFAULT_MAX_USERS", "251");
    assert_eq!(
        place.refusal(),
        "flag --default-max-users: expected at most 250 (default of MAX_USERS_IN_ROOM), not \"251\"."
    );
}

#[test]
fn two_listeners_need_two_addresses() {
    let place = Place::new().env("PARLOUR_OPS_LISTEN", "127.0.0.1:8000");
    assert_eq!(
        place.refusal(),
        "environment variable PARLOUR_OPS_LISTEN: expected another address than 127.0.0.1:8000 (default of PARLOUR_LISTEN)."
    );
    let place = Place::new()
        .env("PARLOUR_OPS_LISTEN", "127.0.0.1:0")
        .env("PARLOUR_LISTEN", "127.0.0.1:0");
    place.config();
}

#[test]
fn a_certificate_needs_its_key() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("some.pem");
    std::fs::write(&file, "x").expect("written");
    let path = file.display().to_string();
    for (given, missing) in [("TLS_CERT", "TLS_KEY"), ("TLS_KEY", "TLS_CERT")] {
        let refusal = Place::new().env(given, &path).refusal();
        let expected = format!("environment variable {given}: needs {missing} as well.");
        assert_eq!(refusal, expected);
    }
    let refusal = Place::new().env("TLS_CERT", "/no/such/file.pem").refusal();
    assert!(
        refusal.contains("expected a file that is there"),
        "{refusal}"
    );
    let place = Place::new().env("TLS_CERT", &path).env("TLS_KEY", &path);
    assert!(place.config().tls().is_some());
}

#[test]
fn a_theme_is_a_folder_that_is_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().display().to_string();
    let config = Place::new().env("THEME_DIR", &path).config();
    assert_eq!(config.storage.theme_dir.as_deref(), Some(folder.path()));
    let refusal = Place::new().env("THEME_DIR", "/no/such/theme").refusal();
    assert_eq!(
        refusal,
        "environment variable THEME_DIR: expected a folder that is there, not \"/no/such/theme\"."
    );
}

#[test]
fn secrets_are_shown_nowhere() {
    let secret = "s3cret-s3cret-s3cret";
    let place = Place::new()
        .env("SECRET_KEY", secret)
        .dot_env(&format!("PARLOUR_METRICS_TOKEN={secret}"))
        .env("DATABASE_URL", &format!("postgres://ada:{secret}@db/chat"));
    let config = place.config();
    assert_eq!(
        config
            .security
            .given_secret_key
            .as_ref()
            .map(super::Secret::expose),
        Some(secret)
    );
    let debug = format!("{config:?} {config:#?}");
    assert!(!debug.contains(secret), "{debug}");
    assert!(debug.contains("postgres://ada:***@db/chat"));

    // Nor in a refusal.
    for setting in table::all().filter(|setting| setting.secrecy != Secrecy::Open) {
        let value = format!("s 3cret://{secret}@\u{7}");
        for place in [
            Place::new().env(setting.name, &value),
            Place::new().flag(setting.name, &value),
            Place::new().toml(&format!("{} = [[\"{secret}\"]]", setting.key())),
        ] {
            let refusals = place.refusals().join(" ");
            assert!(!refusals.contains("3cret"), "{refusals}");
        }
    }
}

#[test]
fn the_committed_examples_are_those_that_the_table_makes() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for (example, file, kind) in [
        (Example::Env, ".env.example", "env"),
        (Example::Toml, "parlour.example.toml", "toml"),
        (Example::Markdown, "docs/guide/settings.md", "markdown"),
    ] {
        let committed = fs::read_to_string(root.join(file)).unwrap_or_default();
        assert!(
            committed == render(example),
            "{file} is out of date: parlour config --example {kind} > {file}"
        );
    }
}

#[test]
fn the_examples_say_what_holds_anyway() {
    let uncommented = |text: &str, assign: &str| -> String {
        let lines = text.lines().filter_map(|line| line.strip_prefix("# "));
        let lines = lines.filter(|line| line.split(assign).next().is_some_and(is_name));
        lines.map(|line| format!("{line}\n")).collect()
    };
    fn is_name(text: &str) -> bool {
        let sign = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        !text.is_empty() && text.bytes().all(sign)
    }
    let plain = Place::new().config();
    let env = uncommented(&render(Example::Env), "=");
    assert_eq!(env.lines().count(), table::all().count());
    let config = Place::new().dot_env(&env).config();
    assert_eq!(
        format!("{:?}", config.product),
        format!("{:?}", plain.product)
    );
    assert_eq!(
        format!("{:?}", config.storage),
        format!("{:?}", plain.storage)
    );

    let toml = uncommented(&render(Example::Toml), " = ");
    let toml: Vec<&str> = toml
        .lines()
        .filter(|line| !line.ends_with("\"\""))
        .collect();
    let config = Place::new().toml(&toml.join("\n")).config();
    assert_eq!(
        format!("{:?}", config.server),
        format!("{:?}", plain.server)
    );
}

#[test]
fn names_are_unique_and_documented() {
    let mut keys: Vec<String> = table::all().map(super::Setting::key).collect();
    let count = keys.len();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), count);
    for setting in table::all() {
        assert!(
            setting.doc.ends_with('.') && !setting.doc.contains('|'),
            "{}",
            setting.name
        );
    }
}

#[test]
fn the_rules_of_the_table_are_those_of_the_core() {
    let product = Place::new().config().product;
    let core = parlour_core::Settings::default();
    assert_eq!(format!("{product:?}"), format!("{core:?}"));
}
