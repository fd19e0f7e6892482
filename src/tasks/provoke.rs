//! A panic at the wish of a test, in debug builds only: `PANIC_IN=session:/path/to/flag` panics
//! in the next task named `session` that is polled while the flag is there, and takes the flag away.

/// The work, which panics where a test wants it to.
#[cfg(debug_assertions)]
pub(super) fn provoked<T>(name: &'static str, work: impl Future<Output = T>) -> impl Future<Output = T> {
    let flag = flag(name);
    let mut work = Box::pin(work);
    std::future::poll_fn(move |context| {
        // Whoever takes the flag away is the one.
        let is_meant = flag.as_ref().is_some_and(|flag| std::fs::remove_file(flag).is_ok());
        if is_meant {
            tracing::warn!(task = name, "provoked by PANIC_IN");
            panic!("as was wished");
        }
        work.as_mut().poll(context)
    })
}

#[cfg(debug_assertions)]
fn flag(name: &str) -> Option<std::path::PathBuf> {
    let wish = std::env::var("PANIC_IN").ok()?;
    let (task, flag) = wish.split_once(':')?;
    (task == name).then(|| flag.into())
}

/// The work as it is.
#[cfg(not(debug_assertions))]
pub(super) fn provoked<T>(_: &'static str, work: impl Future<Output = T>) -> impl Future<Output = T> {
    work
}
