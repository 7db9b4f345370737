//! Where asynchronous work runs: one runtime for the whole process, because
//! connections and forwarders live in the one that they were started in.

use std::sync::OnceLock;

use tokio::runtime::{Builder, Runtime};

use crate::exit;
use crate::failure::Failure;

const THREADS: usize = 2;

/// Runs the asynchronous part of a command.
pub(crate) fn on_runtime<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    runtime()?.block_on(work)
}

fn runtime() -> Result<&'static Runtime, Failure> {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    if let Some(runtime) = RUNTIME.get() {
        return Ok(runtime);
    }
    let built = Builder::new_multi_thread().worker_threads(THREADS).enable_all().build();
    let built = built.map_err(|e| Failure::of(exit::FAILED, &e).doing("starting the runtime"))?;
    Ok(RUNTIME.get_or_init(|| built))
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[test]
    fn what_one_part_has_started_serves_the_next() {
        let (ask, asked) = oneshot::channel::<()>();
        let (answer, answered) = oneshot::channel::<()>();
        on_runtime(async {
            tokio::spawn(async move {
                let is_asked = asked.await.is_ok();
                assert!(is_asked && answer.send(()).is_ok());
            });
            Ok(())
        })
        .unwrap();
        let answered = on_runtime(async {
            ask.send(()).unwrap();
            Ok(answered.await.is_ok())
        });
        assert!(answered.unwrap());
    }
}
