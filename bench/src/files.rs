//! Files: how fast they come in and go out, beside the disk alone, and what they cost others.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use serde::Serialize;
use serde_json::Value;

use crate::load::Load;
use crate::scenario::{Fixture, Scenario};
use crate::{cpu, photo, setup};

const MIB: usize = 1 << 20;
/// What is written to a socket or file at once.
const PIECE: usize = 256 * 1024;
/// Senders of messages beside the uploads.
const TALKERS: usize = 4;
const UPLOADERS: usize = 20;
/// A step that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(120);
const EDGE: &str = "edge-of-a-part-3fb5a1";

/// What to measure.
#[derive(Args)]
pub(crate) struct Options {
    /// Address of the server
    #[arg(long)]
    addr: SocketAddr,
    /// Its process
    #[arg(long)]
    server_pid: u32,
    /// A folder on the disk on which the server keeps files
    #[arg(long)]
    dir: PathBuf,
    /// How often each is measured; the median counts
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// How long messages are sent, without uploads and with them
    #[arg(long, default_value_t = 10.0)]
    seconds: f64,
}

/// The figures.
#[derive(Serialize)]
pub(crate) struct Measured {
    /// 100 MiB written in pieces and synced, without a server.
    disk_mib_s: f64,
    /// 100 MiB uploaded, from the first byte to the answer.
    upload_mib_s: f64,
    /// What an upload costs the server.
    upload_cpu_ms: f64,
    /// The most that the server's memory grew during these uploads.
    upload_memory_mib: f64,
    /// 20 uploads of 20 MiB at once, again and again: all together.
    parallel_mib_s: f64,
    parallel_memory_mib: f64,
    messages_alone: Talk,
    messages_beside: Talk,
    /// 100 MiB fetched over one connection.
    download_mib_s: f64,
    /// The same by the processor time of the server.
    download_mib_per_cpu_s: f64,
    /// Processor time for a photo of 12 megapixels: upload, look, thumbnails, message.
    photo_cpu_ms: f64,
    /// The same for a file of that size that is no picture.
    as_large_cpu_ms: f64,
}

/// How messages went.
#[derive(Serialize)]
struct Talk {
    per_second: f64,
    p50_us: f64,
    p99_us: f64,
    errors: u64,
}

struct Bench<'a> {
    options: &'a Options,
    fixture: Fixture,
}

/// Measures everything, one after the other.
pub(crate) async fn measure(options: &Options) -> Result<Measured> {
    let bench = Bench {
        options,
        fixture: setup::setup(options.addr, 0, 8).await?,
    };
    let hundred: Arc<[u8]> = noise(100 * MIB).into();
    // The first one makes folders and connections.
    bench.upload("warm-up", &hundred[..MIB])?;
    let (mut disk, mut up, mut up_cpu) = (Vec::new(), Vec::new(), Vec::new());
    let memory = Memory::watch(options.server_pid)?;
    let mut path = String::new();
    for _ in 0..options.rounds {
        // One beside the other: the disk of a shared machine changes its mind.
        disk.push(mib_s(hundred.len(), write_disk(&options.dir, &hundred)?));
        let cpu = cpu::used_by(options.server_pid)?;
        let begun = Instant::now();
        path = bench.upload("a.bin", &hundred)?;
        up.push(mib_s(hundred.len(), begun.elapsed()));
        up_cpu.push(millis(cpu::used_by(options.server_pid)? - cpu));
    }
    let upload_memory_mib = memory.grown();
    let (down, per_cpu) = bench.downloads(&path, hundred.len())?;
    let alone = bench.talk().await?;
    let memory = Memory::watch(options.server_pid)?;
    let uploads = bench.upload_many(&hundred[..20 * MIB]);
    let beside = bench.talk().await?;
    let parallel_mib_s = uploads.stop()?;
    let parallel_memory_mib = memory.grown();
    let photo = photo::photo((4_032, 3_024), 1)?;
    let photo_cpu_ms = bench.cost("photo.jpg", &photo)?;
    let as_large_cpu_ms = bench.cost("a.bin", &hundred[..photo.len()])?;
    Ok(Measured {
        disk_mib_s: median(&mut disk),
        upload_mib_s: median(&mut up),
        upload_cpu_ms: median(&mut up_cpu),
        upload_memory_mib,
        parallel_mib_s,
        parallel_memory_mib,
        messages_alone: alone,
        messages_beside: beside,
        download_mib_s: down,
        download_mib_per_cpu_s: per_cpu,
        photo_cpu_ms,
        as_large_cpu_ms,
    })
}

impl Bench<'_> {
    fn sender(&self) -> Sender {
        Sender {
            addr: self.options.addr,
            token: self.fixture.users[0].token.clone(),
            room: self.fixture.room,
        }
    }

    fn upload(&self, name: &str, content: &[u8]) -> Result<String> {
        self.sender().upload(name, content)
    }

    /// MiB/s by the clock and by the server's processor time.
    fn downloads(&self, path: &str, size: usize) -> Result<(f64, f64)> {
        let (mut clock, mut cpu) = (Vec::new(), Vec::new());
        for _ in 0..self.options.rounds {
            let before = cpu::used_by(self.options.server_pid)?;
            let begun = Instant::now();
            // Several, because processor time is counted in steps of 10 ms.
            for _ in 0..4 {
                self.sender().download(path, size)?;
            }
            clock.push(mib_s(4 * size, begun.elapsed()));
            cpu.push(mib_s(
                4 * size,
                cpu::used_by(self.options.server_pid)? - before,
            ));
        }
        Ok((median(&mut clock), median(&mut cpu)))
    }

    async fn talk(&self) -> Result<Talk> {
        let load = Load {
            addr: self.options.addr,
            far: None,
            connections: TALKERS,
            warm_up: Duration::from_secs(1),
            length: Duration::from_secs_f64(self.options.seconds),
            requests: None,
            server_pid: None,
        };
        let seen = load.run(Scenario::Send, &self.fixture).await?;
        Ok(Talk {
            per_second: seen.per_second,
            p50_us: seen.p50_us,
            p99_us: seen.p99_us,
            errors: seen.errors,
        })
    }

    fn upload_many(&self, content: &[u8]) -> Uploads {
        let content: Arc<[u8]> = content.into();
        let (stop, bytes) = (Arc::new(AtomicBool::new(false)), Arc::default());
        let begun = Instant::now();
        let threads = (0..UPLOADERS).map(|_| {
            let (sender, content) = (self.sender(), Arc::clone(&content));
            let (stop, bytes) = (Arc::clone(&stop), Arc::<AtomicU64>::clone(&bytes));
            thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    sender.upload("a.bin", &content)?;
                    bytes.fetch_add(content.len() as u64, Ordering::Relaxed);
                }
                Ok(())
            })
        });
        Uploads {
            threads: threads.collect(),
            stop,
            bytes,
            begun,
        }
    }

    /// Processor time of the server for one upload, in milliseconds.
    fn cost(&self, name: &str, content: &[u8]) -> Result<f64> {
        let count = self.options.rounds * 2;
        let before = cpu::used_by(self.options.server_pid)?;
        for _ in 0..count {
            self.upload(name, content)?;
        }
        let used = cpu::used_by(self.options.server_pid)? - before;
        Ok(millis(used) / count as f64)
    }
}

/// Uploads that go on in threads of their own.
struct Uploads {
    threads: Vec<thread::JoinHandle<Result<()>>>,
    stop: Arc<AtomicBool>,
    bytes: Arc<AtomicU64>,
    begun: Instant,
}

impl Uploads {
    /// Ends them; MiB/s of all together.
    fn stop(self) -> Result<f64> {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads {
            let ended = thread.join();
            ended.ok().context("a thread of uploads panicked")??;
        }
        let bytes = self.bytes.load(Ordering::Relaxed);
        Ok(mib_s(bytes as usize, self.begun.elapsed()))
    }
}

struct Sender {
    addr: SocketAddr,
    token: String,
    room: u64,
}

impl Sender {
    fn connect(&self) -> Result<TcpStream> {
        let stream = TcpStream::connect(self.addr)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(stream)
    }

    /// Sends a message with this file; the file's path.
    fn upload(&self, name: &str, content: &[u8]) -> Result<String> {
        let mut stream = self.connect()?;
        let room = self.room;
        let start = format!(
            "--{EDGE}\r\nContent-Disposition: form-data; name=\"room\"\r\n\r\n{room}\r\n--{EDGE}\r\n\
             Content-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n"
        );
        let end = format!("\r\n--{EDGE}--\r\n");
        let head = format!(
            "POST /api/v1/chats/messages/ HTTP/1.1\r\nHost: {}\r\nAuthorization: Token {}\r\n\
             Connection: close\r\nContent-Type: multipart/form-data; boundary={EDGE}\r\n\
             Content-Length: {}\r\n\r\n",
            self.addr,
            self.token,
            start.len() + content.len() + end.len()
        );
        stream.write_all((head + &start).as_bytes())?;
        for piece in content.chunks(PIECE) {
            stream.write_all(piece)?;
        }
        stream.write_all(end.as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        ensure!(answer.starts_with("HTTP/1.1 201"), "{answer}");
        let body = answer.split("\r\n\r\n").nth(1).unwrap_or_default();
        let message: Value = serde_json::from_str(body).context("the answer is not JSON")?;
        let address = message["file"].as_str().context("no address")?;
        let path = address.split('?').next().unwrap_or_default();
        let from = path.find("/media/").context("a strange address")?;
        Ok(path[from..].to_owned())
    }

    fn download(&self, path: &str, size: usize) -> Result<()> {
        let mut stream = self.connect()?;
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Token {}\r\nConnection: close\r\n\r\n",
            self.addr, self.token
        );
        stream.write_all(head.as_bytes())?;
        let mut buffer = vec![0; PIECE];
        let mut received = 0;
        loop {
            match stream.read(&mut buffer)? {
                0 => break,
                read => received += read,
            }
        }
        // Behind a head of some hundred bytes.
        ensure!(
            (size..size + 4_096).contains(&received),
            "{received} bytes came and not {size}"
        );
        Ok(())
    }
}

/// The most memory that a process has while this lives.
struct Memory {
    before: u64,
    most: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
}

impl Memory {
    fn watch(pid: u32) -> Result<Self> {
        let before = cpu::resident(pid)?;
        let memory = Self {
            before,
            most: Arc::new(AtomicU64::new(before)),
            stop: Arc::default(),
        };
        let (most, stop) = (Arc::clone(&memory.most), Arc::clone(&memory.stop));
        thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                most.fetch_max(cpu::resident(pid).unwrap_or(0), Ordering::Relaxed);
                thread::sleep(Duration::from_millis(5));
            }
        });
        Ok(memory)
    }

    /// MiB above the beginning.
    fn grown(self) -> f64 {
        self.stop.store(true, Ordering::Relaxed);
        (self.most.load(Ordering::Relaxed) - self.before) as f64 / MIB as f64
    }
}

/// Writes a file in pieces, syncs it, and removes it; the time of the first two.
fn write_disk(folder: &Path, content: &[u8]) -> Result<Duration> {
    let path = folder.join(format!("raw-{}", std::process::id()));
    let mut file =
        File::create_new(&path).with_context(|| format!("cannot write to {}", path.display()))?;
    let begun = Instant::now();
    let written = content
        .chunks(PIECE)
        .try_for_each(|piece| file.write_all(piece))
        .and_then(|()| file.sync_all());
    let time = begun.elapsed();
    std::fs::remove_file(&path)?;
    written?;
    Ok(time)
}

/// Bytes that nothing makes smaller and that are of no known type.
fn noise(size: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let mut bytes = Vec::with_capacity(size + 8);
    bytes.extend([0, 0xff, 0, 0xfe, 0, 0, 0, 0]);
    while bytes.len() < size {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend(state.to_le_bytes());
    }
    bytes.truncate(size);
    bytes
}

fn mib_s(bytes: usize, time: Duration) -> f64 {
    bytes as f64 / MIB as f64 / time.as_secs_f64().max(1e-9)
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

fn median(figures: &mut [f64]) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_disk_is_measured_and_nothing_stays() {
        let folder = std::env::temp_dir().join(format!("raw-test-{}", std::process::id()));
        std::fs::create_dir(&folder).expect("made");
        assert!(write_disk(&folder, &noise(MIB)).expect("written") > Duration::ZERO);
        std::fs::remove_dir(&folder).expect("empty");
    }

    #[test]
    fn figures() {
        assert_eq!(median(&mut [3.0, 1.0, 2.0]), 2.0);
        assert_eq!(mib_s(10 * MIB, Duration::from_secs(2)), 5.0);
        assert_eq!(noise(13).len(), 13);
    }
}
