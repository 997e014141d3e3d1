//! Who goes first when there are more threads than cores.

/// How much lower than the others: about a tenth of a core when all are busy, so that log-ins get on
/// under a flood of messages, too.
#[cfg(target_os = "linux")]
const LOWER: i32 = 10;

/// Lets this thread run only where the threads that carry messages leave room. Without it, a flood of
/// log-ins or files takes its share of every core, and messages wait for it.
///
/// On Linux, where a thread has a priority of its own; elsewhere it would be the whole process's.
pub(crate) fn give_way() {
    #[cfg(target_os = "linux")]
    {
        let this = rustix::thread::gettid();
        let lowered = rustix::process::getpriority_process(Some(this)).and_then(|now| {
            // The system's end of the scale is 19.
            rustix::process::setpriority_process(Some(this), (now + LOWER).min(19))
        });
        if let Err(error) = lowered {
            tracing::debug!(%error, "a thread for heavy work has the usual priority");
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use rustix::process::getpriority_process;

    #[test]
    fn this_thread_alone_gives_way() {
        let whole = getpriority_process(None).expect("a priority");
        let lowered = std::thread::spawn(|| {
            give_way();
            getpriority_process(Some(rustix::thread::gettid())).expect("a priority")
        });
        let lowered = lowered.join().expect("no panic");
        assert_eq!(lowered, (whole + LOWER).min(19));
        assert_eq!(getpriority_process(None), Ok(whole));
    }
}
