//! The table of settings: the one place that describes them. Flags, the environment, `.env`,
//! `parlour.toml`, the unknown-name check, `parlour config`, the example files and the guide all
//! come from it. To add a setting: a field in `config.rs`, a line here, `cargo xtask gen`.

mod storage;

use super::{
    LogFormat,
    network::network,
    parse::{self, Parsed},
    secret::{Secret, SecretUrl},
    setting::{
        Fallback::{Derived, Text, Unset},
        Section, Setting,
    },
    web_address::WebOrigin,
};
use parlour_core::settings::Rates;
use std::{path::PathBuf, time::Duration};
use storage::STORAGE;

/// All settings, in the order of the generated documents.
pub(crate) const SECTIONS: &[Section] = &[
    Section {
        title: "Server",
        settings: SERVER,
    },
    Section {
        title: "Storage",
        settings: STORAGE,
    },
    Section {
        title: "Rooms and messages",
        settings: PRODUCT,
    },
    Section {
        title: "Security",
        settings: SECURITY,
    },
    Section {
        title: "Logs and operation",
        settings: OPERATION,
    },
];

/// All settings without their headings.
pub(crate) fn all() -> impl Iterator<Item = &'static Setting> {
    SECTIONS.iter().flat_map(|section| section.settings)
}

const SERVER: &[Setting] = &[
    Setting::new(
        "PARLOUR_LISTEN",
        "ADDRESS:PORT",
        Text("127.0.0.1:8000"),
        "Address and port to listen on; port 0 picks a free one and the ready line names it.",
        |config, text| put(&mut config.server.listen, parse::address(text)),
    ),
    Setting::new(
        "PUBLIC_URL",
        "URL",
        Unset("derived from the request"),
        "The URL by which people reach the server: for absolute links, the allowed Origin, and Secure cookies when it is https.",
        |config, text| some(&mut config.server.public_url, WebOrigin::parse(text)),
    ),
    Setting::new(
        "TLS_CERT",
        "FILE",
        Unset("plain http"),
        "PEM file with the certificate chain: the server speaks https and wss itself. Read again on SIGHUP.",
        |config, text| some(&mut config.server.tls.0, parse::file(text)),
    ),
    Setting::new(
        "TLS_KEY",
        "FILE",
        Unset("plain http"),
        "PEM file with the private key of TLS_CERT.",
        |config, text| some(&mut config.server.tls.1, parse::file(text)),
    ),
    Setting::new(
        "TRUSTED_PROXIES",
        "NETWORKS",
        Unset("none"),
        "Addresses and networks whose forwarded headers count, separated by commas.",
        |config, text| {
            put(
                &mut config.server.trusted_proxies,
                parse::list(text, network),
            )
        },
    ),
    Setting::new(
        "PARLOUR_CORS_ORIGINS",
        "ORIGINS",
        Unset("none"),
        "Origins of other sites whose pages may use the API with the user's cookies, separated by commas.",
        |config, text| {
            put(
                &mut config.server.cors_origins,
                parse::list(text, WebOrigin::parse),
            )
        },
    ),
    Setting::new(
        "SOCKETIO_EIO3",
        "on|off",
        Text("off"),
        "`on` serves old clients of Socket.IO, too (2.x, which is Engine.IO 3); their tokens may stand in addresses.",
        |config, text| put(&mut config.server.socketio_eio3, parse::switch(text)),
    ),
    Setting::new(
        "PARLOUR_SHUTDOWN_TIMEOUT",
        "DURATION",
        Text("10s"),
        "How long a stop may take; what is not finished by then is cut.",
        |config, text| put(&mut config.server.shutdown_timeout, stop_time(text)),
    ),
    Setting::new(
        "PARLOUR_DRAIN_PAUSE",
        "DURATION",
        Text("0"),
        "How long a server that is told to stop or to drain goes on as before while `/readyz` says no already, so that load balancers see it before sockets move; from `0` to `1m`. PARLOUR_SHUTDOWN_TIMEOUT begins after it.",
        |config, text| put(&mut config.server.drain_pause, drain_pause(text)),
    ),
];

const PRODUCT: &[Setting] = &[
    Setting::new(
        "MAX_USERS_IN_ROOM",
        "NUMBER",
        Text("250"),
        "Upper limit of a room's `max_users`.",
        |config, text| put(&mut config.product.max_users_in_room, seats(text)),
    ),
    Setting::new(
        "DEFAULT_MAX_USERS",
        "NUMBER",
        Derived {
            says: "50, or MAX_USERS_IN_ROOM if that is less",
            find: |raw| {
                let limit = raw.text("MAX_USERS_IN_ROOM").map(seats);
                limit
                    .and_then(Result::ok)
                    .map_or(50, |limit| limit.min(50))
                    .to_string()
            },
        },
        "`max_users` of a room that does not say; never above MAX_USERS_IN_ROOM.",
        |config, text| put(&mut config.product.default_max_users, seats(text)),
    ),
    Setting::new(
        "ROOM_LIFETIME",
        "DURATION",
        Text("7d"),
        "How long a room lives after creation or renewal; `0` or `never`: rooms do not expire.",
        |config, text| put(&mut config.product.room_lifetime, parse::lifetime(text)),
    ),
    Setting::new(
        "MAX_TEXT_CHARS",
        "NUMBER",
        Text("10000"),
        "Longest text of a message in code points.",
        |config, text| {
            put(
                &mut config.product.max_text_chars,
                parse::number(text, 1..=1_000_000),
            )
        },
    ),
    Setting::new(
        "MAX_UPLOAD_BYTES",
        "SIZE",
        Text("25MiB"),
        "Largest file that may be attached: `25MiB`, `26214400`.",
        |config, text| {
            put(
                &mut config.product.max_upload_bytes,
                parse::size(text, 1..=1 << 40),
            )
        },
    ),
    Setting::new(
        "MAX_FILES_PER_MESSAGE",
        "NUMBER",
        Text("10"),
        "Most files on one message.",
        |config, text| put(&mut config.product.max_files, parse::number(text, 1..=100)),
    ),
    Setting::new(
        "USER_QUOTA_BYTES",
        "SIZE",
        Unset("no limit"),
        "Most bytes that the files of one account may have together: `1GiB`.",
        |config, text| {
            some(
                &mut config.product.user_quota,
                parse::size(text, 1..=1 << 50),
            )
        },
    ),
    Setting::new(
        "MIN_FREE_DISK",
        "SIZE",
        Text("256MiB"),
        "No file is taken that would leave fewer free bytes where files are kept; `0`: any.",
        |config, text| {
            put(
                &mut config.product.min_free_disk,
                parse::size(text, 0..=1 << 50),
            )
        },
    ),
    Setting::new(
        "PARLOUR_REGISTRATION",
        "open|closed",
        Text("open"),
        "`open`: anybody may sign up; `closed`: only `parlour user create` makes accounts.",
        |config, text| {
            put(
                &mut config.product.open_registration,
                parse::choice(text, &[("open", true), ("closed", false)]),
            )
        },
    ),
    Setting::new(
        "PARLOUR_USER_LIST",
        "public|members",
        Text("public"),
        "Who may read the list of users: `public`: anybody; `members`: whoever has an account.",
        |config, text| {
            put(
                &mut config.product.public_user_list,
                parse::choice(text, &[("public", true), ("members", false)]),
            )
        },
    ),
];

const SECURITY: &[Setting] = &[
    Setting::new(
        "SECRET_KEY",
        "TEXT",
        Unset("generated into the data dir at first start"),
        "Signs URLs and form tokens; at least 16 characters.",
        |config, text| some(&mut config.security.given_secret_key, secret(text)),
    )
    .secret(),
    Setting::new(
        "RATE_LIMITS",
        "on|off",
        Text("on"),
        "`off` is for load tests only; the server logs a warning.",
        |config, text| {
            let rates = parse::switch(text).map(|on| on.then(Rates::default));
            put(&mut config.product.rates, rates)
        },
    ),
    Setting::new(
        "PARLOUR_HASHING_THREADS",
        "NUMBER",
        Derived {
            says: "half the cores, at least 1",
            find: |_| {
                let cores = std::thread::available_parallelism().map_or(1, usize::from);
                (cores / 2).clamp(1, 256).to_string()
            },
        },
        "How many passwords are hashed at once; each takes 19 MiB.",
        |config, text| {
            put(
                &mut config.security.hashing_threads,
                parse::number(text, 1..=256),
            )
        },
    ),
];

const OPERATION: &[Setting] = &[
    Setting::new(
        "PARLOUR_LOG",
        "FILTER",
        Text("info"),
        "What is logged: a level, or targets with levels such as `warn,parlour_web=debug`.",
        |config, text| put(&mut config.log.filter, crate::logging::check_filter(text)),
    ),
    Setting::new(
        "PARLOUR_LOG_FORMAT",
        "auto|human|json",
        Text("auto"),
        "How it is logged; `auto`: for humans on a terminal, JSON otherwise.",
        |config, text| {
            let formats = [
                ("auto", LogFormat::Auto),
                ("human", LogFormat::Human),
                ("json", LogFormat::Json),
            ];
            put(&mut config.log.format, parse::choice(text, &formats))
        },
    ),
    Setting::new(
        "PARLOUR_OPS_LISTEN",
        "ADDRESS:PORT",
        Unset("none"),
        "A second address that serves /metrics, /healthz and /readyz, and takes `POST /drain`: for operators alone.",
        |config, text| some(&mut config.ops.listen, parse::address(text)),
    ),
    Setting::new(
        "PARLOUR_METRICS_TOKEN",
        "TEXT",
        Unset("no /metrics on the main address"),
        "With it the main address serves /metrics to whoever sends it as a bearer token; at least 16 characters.",
        |config, text| some(&mut config.ops.metrics_token, secret(text)),
    )
    .secret(),
    Setting::new(
        "PARLOUR_CANARY_INTERVAL",
        "DURATION",
        Unset("off"),
        "How often the server sends itself a message through PUBLIC_URL (or its own address) and reports loss and latency at /metrics, from `1s` to `1h`; `0`: never.",
        |config, text| put(&mut config.ops.canary_interval, canary_interval(text)),
    ),
];

fn put<T>(place: &mut T, value: Parsed<T>) -> Parsed<()> {
    *place = value?;
    Ok(())
}

fn some<T>(place: &mut Option<T>, value: Parsed<T>) -> Parsed<()> {
    *place = Some(value?);
    Ok(())
}

fn seats(text: &str) -> Parsed<i64> {
    parse::number(text, 1..=1_000_000)
}

fn stop_time(text: &str) -> Parsed<Duration> {
    let bounds = Duration::from_secs(1)..=Duration::from_secs(600);
    parse::duration(text)
        .ok()
        .filter(|time| bounds.contains(time))
        .ok_or_else(|| "a duration from `1s` to `10m`".to_owned())
}

fn drain_pause(text: &str) -> Parsed<Duration> {
    let time = if text == "0" {
        Ok(Duration::ZERO)
    } else {
        parse::duration(text)
    };
    time.ok()
        .filter(|time| *time <= Duration::from_secs(60))
        .ok_or_else(|| "a duration up to `1m`, or `0`".to_owned())
}

fn canary_interval(text: &str) -> Parsed<Option<Duration>> {
    let bounds = Duration::from_secs(1)..=Duration::from_secs(3600);
    let time = if text == "0" {
        Ok(Duration::ZERO)
    } else {
        parse::duration(text)
    };
    match time {
        Ok(Duration::ZERO) => Ok(None),
        Ok(time) if bounds.contains(&time) => Ok(Some(time)),
        _ => Err("a duration from `1s` to `1h`, or `0`".to_owned()),
    }
}

fn path(text: &str) -> Parsed<PathBuf> {
    if text.is_empty() || text.contains('\0') {
        return Err("a path".to_owned());
    }
    Ok(PathBuf::from(text))
}

fn clamd(text: &str) -> Parsed<String> {
    parlour_store::Clamd::at(text)
        .map(|_| text.to_owned())
        .ok_or_else(|| "`unix:/path` or `tcp://host:port`".to_owned())
}

fn statement_time(text: &str) -> Parsed<Duration> {
    // PostgreSQL that is told to give up on a commit which waits for a standby says that it went well. Nobody
    // must be waiting for that answer any more.
    let bounds = Duration::from_millis(1_800)..=Duration::from_secs(60);
    let time = parse::duration(text)?;
    if bounds.contains(&time) {
        Ok(time)
    } else {
        Err("a duration from `1800ms` to `1m`".to_owned())
    }
}

fn url(text: &str, schemes: &[&str]) -> Parsed<SecretUrl> {
    let fits = |scheme: &&str| text.len() > scheme.len() && text.starts_with(scheme);
    if schemes.iter().any(fits) {
        Ok(SecretUrl::new(text))
    } else {
        let schemes: Vec<String> = schemes.iter().map(|scheme| format!("`{scheme}`")).collect();
        Err(format!("a URL that begins with {}", schemes.join(" or ")))
    }
}

/// A secret that also fits into a header.
fn secret(text: &str) -> Parsed<Secret> {
    if text.len() >= 16 && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(Secret::new(text))
    } else {
        Err("at least 16 characters of ASCII without spaces (`openssl rand -base64 32`)".to_owned())
    }
}
