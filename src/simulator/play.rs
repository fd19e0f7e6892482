//! `callpop simulate`: plays scenarios or a call centre against a gateway with whatever trouble is asked
//! for, and counts what became of it; or writes their events; or serves the phones.

use super::{
    api::Simulator,
    centre::CentreOptions,
    courier::{Courier, Progress, Receipt},
    error::SimulatorError,
    faults::{Faults, Planned},
    pace::{Speed, Stamps},
    program::Program,
    scenario::{Scenario, ScenarioError},
    sender::{Destination, Outcome, Retries, Sender, SenderError, TELSMART},
    telsmart::{Telsmart, TelsmartOptions},
    webhook,
};
use secrecy::SecretString;
use serde::Serialize;
use std::{
    fmt,
    io::{self, Write},
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::{net::TcpListener, time::Instant};

/// What to play, where to, and what goes wrong on the way.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Play {
    /// The gateway's base URL
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    pub(crate) gateway: String,
    /// The value of the agreed header
    #[arg(long, required_unless_present = "to")]
    pub(crate) secret: Option<SecretString>,
    /// The header agreed at onboarding
    #[arg(long, value_name = "NAME", default_value = "X-Webhook-Secret")]
    pub(crate) header: String,
    /// How many times faster than recorded; 0: at once
    #[arg(long, value_name = "X", default_value = "1", conflicts_with = "instant")]
    pub(crate) speed: Speed,
    /// Send everything at once, as --speed 0
    #[arg(long)]
    pub(crate) instant: bool,
    /// Timestamps have the recorded durations, or run with the real clock at that speed, as timers on a page do
    #[arg(long, value_enum, value_name = "WHICH", default_value = "recorded")]
    pub(crate) stamps: Stamps,
    /// The probability that an event is sent twice
    #[arg(long, value_name = "P", default_value_t = 0.0, value_parser = probability)]
    pub(crate) duplicate: f64,
    /// The probability that an event changes place with the next one
    #[arg(long, value_name = "P", default_value_t = 0.0, value_parser = probability)]
    pub(crate) reorder: f64,
    /// Every event is late by a random time up to this, such as 500ms, 2s, 1m
    #[arg(long, value_name = "DUR", default_value = "0s", value_parser = duration)]
    pub(crate) max_delay: Duration,
    /// How often an event is sent again when nobody answers, or the answer is 429 or 5xx
    #[arg(long, value_name = "N", default_value_t = Retries::default().max)]
    pub(crate) retries: u32,
    /// The same seed, the same duplicates, order and delays, and the same call centre
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// Keep the recorded leg ids and timestamps
    #[arg(long)]
    pub(crate) as_recorded: bool,
    /// How often everything is played
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) repeat: u32,
    /// Play in this tenant instead of the recorded one
    #[arg(long, value_name = "ID")]
    pub(crate) tenant: Option<String>,
    /// Write the events to this file, one a line, and send nothing; -: to stdout
    #[arg(long, value_name = "FILE", conflicts_with = "listen")]
    pub(crate) to: Option<PathBuf>,
    /// Serve two phones, MyTelsmart and its token server on this address instead of playing scenarios
    #[arg(long, value_name = "ADDR", conflicts_with = "scenarios")]
    pub(crate) listen: Option<SocketAddr>,
    /// Built-in scenarios or files of JSON lines; none: all that are built in
    #[arg(value_name = "SCENARIO")]
    pub(crate) scenarios: Vec<String>,
    #[command(flatten)]
    pub(crate) centre: CentreOptions,
    #[command(flatten)]
    pub(crate) telsmart: TelsmartOptions,
}

/// What became of a play.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Report {
    /// Webhooks, duplicates among them, however often each was tried.
    pub(crate) sent: u64,
    pub(crate) accepted: u64,
    /// The last answer was not a 2xx.
    pub(crate) refused: u64,
    /// No answer ever came.
    pub(crate) unanswered: u64,
    /// Attempts after the first ones.
    pub(crate) retried: u64,
    pub(crate) duplicates: u64,
    /// Why the first webhook that failed did: the `detail` of its answer, or why there was none.
    pub(crate) first_trouble: Option<String>,
}

#[derive(Default)]
struct Counts {
    accepted: AtomicU64,
    refused: AtomicU64,
    unanswered: AtomicU64,
    retried: AtomicU64,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sent, accepted, refused, unanswered, retried, duplicates, .. } = self;
        write!(f, "{sent} sent ({duplicates} duplicates, {retried} retries): ")?;
        write!(f, "{accepted} accepted, {refused} refused, {unanswered} unanswered")
    }
}

impl Report {
    fn count(&mut self, planned: &Planned) {
        self.sent += 1;
        self.duplicates += u64::from(planned.copy);
    }

    /// Whether nothing was refused, and nothing left unanswered.
    pub(crate) fn all_accepted(&self) -> bool {
        self.refused == 0 && self.unanswered == 0
    }
}

impl Play {
    /// What is wrong with the options together, where no single one is.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.stamps == Stamps::Scaled && self.speed() == Speed::INSTANT {
            return Err("--stamps scaled needs a speed: what is played at once takes no time".to_owned());
        }
        if self.stamps == Stamps::Scaled && self.as_recorded {
            return Err("--stamps scaled and --as-recorded exclude each other".to_owned());
        }
        self.centre.check()
    }

    fn sender(&self) -> Result<Sender, SenderError> {
        Sender::new(&self.gateway(), self.retries())
    }

    fn gateway(&self) -> Destination {
        let (url, header) = (self.gateway.clone(), self.header.clone());
        // Only what is written to a file needs none.
        let secret = self.secret.clone().unwrap_or_default();
        Destination { url, source: TELSMART, header, secret }
    }

    fn retries(&self) -> Retries {
        Retries { max: self.retries, ..Retries::default() }
    }

    pub(super) fn speed(&self) -> Speed {
        if self.instant { Speed::INSTANT } else { self.speed }
    }

    pub(super) fn scenarios(&self) -> Result<Vec<Scenario>, ScenarioError> {
        let found: Vec<_> = match self.scenarios.as_slice() {
            [] => Scenario::built_in()?,
            names => names.iter().map(|name| Scenario::find(name)).collect::<Result<_, _>>()?,
        };
        Ok(match &self.tenant {
            None => found,
            Some(tenant) => found.into_iter().map(|scenario| scenario.in_tenant(tenant)).collect(),
        })
    }

    pub(super) fn faults(&self) -> Faults {
        Faults { duplicate: self.duplicate, reorder: self.reorder, max_delay: self.max_delay }
    }
}

/// Plays one part after the other and waits until everything has been sent or given up.
/// Dropping it stops at once.
pub(crate) async fn play(options: &Play) -> Result<Report, SimulatorError> {
    let (sender, mut program) = (options.sender()?, Program::new(options)?);
    let counts = Arc::new(Counts::default());
    let courier = Courier::start(&sender, {
        let counts = counts.clone();
        move |receipt| counts.on_receipt(receipt)
    });
    let mut report = Report::default();
    while let Some(part) = program.next(webhook::now)? {
        run(part, &courier, &mut report).await;
    }
    courier.finish().await;
    Ok(Report { first_trouble: sender.first_trouble(), ..counts.add_to(report) })
}

/// Writes what would be played, one event a line in the order of sending. The report says how many. Nothing is
/// opened before all is read that is to be played: it may be the same file.
pub(crate) fn write<W: Write>(
    options: &Play,
    open: impl FnOnce() -> io::Result<W>,
) -> Result<Report, SimulatorError> {
    let (mut program, mut report) = (Program::new(options)?, Report::default());
    let mut out = open().map_err(SimulatorError::Output)?;
    while let Some(part) = program.next(webhook::now)? {
        for planned in part {
            report.count(&planned);
            writeln!(out, "{}", planned.webhook.to_json()).map_err(SimulatorError::Output)?;
        }
    }
    out.flush().map_err(SimulatorError::Output)?;
    Ok(report)
}

/// Serves the phones and the rest of Telsmart until `shutdown`.
pub(crate) async fn serve(
    options: &Play,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), SimulatorError> {
    let tenant = options.tenant();
    let simulator = Simulator::start(&options.gateway(), options.retries(), tenant)?;
    let telsmart = Telsmart::start(&options.telsmart, &options.gateway, tenant)?;
    let routes = simulator.routes().merge(telsmart.routes());
    let stop = async move {
        shutdown.await;
        simulator.stop();
        telsmart.stop();
    };
    Ok(axum::serve(listener, routes).with_graceful_shutdown(stop).await?)
}

async fn run(part: impl Iterator<Item = Planned>, courier: &Courier, report: &mut Report) {
    let begun = Instant::now();
    for planned in part {
        tokio::time::sleep(planned.at.saturating_sub(begun.elapsed())).await;
        let Some(mut room) = courier.room().await else { return };
        report.count(&planned);
        courier.take(&mut room, 0, planned.webhook);
    }
}

impl Counts {
    fn on_receipt(&self, receipt: Receipt) {
        let Progress::Done(status) = receipt.progress else { return };
        let outcome = Outcome { status, attempts: receipt.attempts };
        let count = match status {
            _ if outcome.accepted() => &self.accepted,
            Some(_) => &self.refused,
            None => &self.unanswered,
        };
        count.fetch_add(1, Relaxed);
        self.retried.fetch_add(u64::from(receipt.attempts.saturating_sub(1)), Relaxed);
    }

    fn add_to(&self, report: Report) -> Report {
        Report {
            accepted: self.accepted.load(Relaxed),
            refused: self.refused.load(Relaxed),
            unanswered: self.unanswered.load(Relaxed),
            retried: self.retried.load(Relaxed),
            ..report
        }
    }
}

fn probability(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number| (0.0..=1.0).contains(number));
    number.ok_or_else(|| "must be a number from 0 to 1".to_owned())
}

pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let millis = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err("must be a number with a unit: ms, s, m or h".to_owned()),
    };
    let millis = number.parse().ok().and_then(|number: u32| u64::from(number).checked_mul(millis));
    millis.map(Duration::from_millis).ok_or_else(|| "must begin with a number".to_owned())
}

#[cfg(test)]
mod tests {
    use super::{super::sender::tests::FakeGateway, *};
    use clap::Parser;
    use serde_json::Value;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        play: Play,
    }

    fn options(fake: &FakeGateway, more: &str) -> Play {
        let fixed =
            ["simulate", "--secret", "s3cret", "--header", "X-Agreed", "--gateway", &fake.gateway.url];
        Cli::try_parse_from(fixed.into_iter().chain(more.split_whitespace())).unwrap().play
    }

    fn parse(more: &str) -> Result<Play, clap::Error> {
        let all = ["simulate", "--secret", "s"].into_iter().chain(more.split_whitespace());
        Cli::try_parse_from(all).map(|cli| cli.play)
    }

    fn field(fake: &FakeGateway, name: &str) -> Vec<Value> {
        fake.got.lock().iter().map(|event| event[name].clone()).collect()
    }

    #[tokio::test]
    async fn all_scenarios_are_played_when_none_is_named() {
        let fake = FakeGateway::start([]).await;
        let report = play(&options(&fake, "--instant --tenant t --repeat 2")).await.unwrap();
        assert_eq!(report, Report { sent: 72, accepted: 72, ..Report::default() });
        assert!(field(&fake, "tenant_id").iter().all(|tenant| tenant == "t"));
        assert!(report.to_string().starts_with("72 sent"));
    }

    #[tokio::test]
    async fn a_leg_arrives_in_order_and_faults_are_counted() {
        let fake = FakeGateway::start([(422, None)]).await;
        let faults = "--instant --as-recorded --duplicate 1 3-held-and-resumed";
        let report = play(&options(&fake, faults)).await.unwrap();
        let first_trouble = Some("422 Unprocessable Entity".to_owned());
        let counted =
            Report { sent: 10, accepted: 9, refused: 1, duplicates: 5, first_trouble, ..Report::default() };
        assert_eq!(report, counted);
        let states = field(&fake, "state");
        let firsts: Vec<_> = states.iter().step_by(2).collect();
        assert_eq!(firsts, ["RINGING", "ACTIVE", "HELD", "ACTIVE", "HANGUP"]);
        assert_eq!(field(&fake, "timestamp")[0], "1765197868066148");
    }

    #[tokio::test]
    async fn the_same_seed_sends_in_the_same_order() {
        let mut orders = Vec::new();
        for seed in [3, 3, 4] {
            let fake = FakeGateway::start([]).await;
            let faults = format!("--instant --reorder 0.5 --seed {seed} 3-held-and-resumed");
            play(&options(&fake, &faults)).await.unwrap();
            orders.push(field(&fake, "state"));
        }
        assert_eq!(orders[0], orders[1]);
        assert_ne!(orders[0], orders[2]);
    }

    #[tokio::test(start_paused = true)]
    async fn events_are_sent_at_their_times() {
        let (url, header, secret) = ("http://127.0.0.1:9".into(), "x".into(), "y".into());
        let gateway = Destination { url, source: TELSMART, header, secret };
        let sender = Sender::new(&gateway, Retries { max: 0, first_pause: Duration::ZERO }).unwrap();
        for (speed, lasts) in [("1", 33_719), ("4", 8_429), ("0", 0)] {
            let options = parse(&format!("--as-recorded --speed {speed} 1-answered-inbound")).unwrap();
            let mut program = Program::new(&options).unwrap();
            let plan = program.next(|| 0).unwrap().unwrap();
            let (courier, mut report) = (Courier::start(&sender, |_| {}), Report::default());
            let begun = Instant::now();
            run(plan, &courier, &mut report).await;
            let took = begun.elapsed().as_millis();
            assert!((lasts..=lasts + 2).contains(&took), "{took} ms at speed {speed}");
            assert_eq!(report.sent, 3);
        }
    }

    #[test]
    fn options_are_checked() {
        for bad in [
            "--speed 2 --instant",
            "--speed -1",
            "--duplicate 1.5",
            "--reorder NaN",
            "--max-delay 5",
            "--max-delay s",
            "--listen 127.0.0.1:0 1-answered-inbound",
            "--listen 127.0.0.1:0 --to events.jsonl",
            "--stamps real",
            "--centre 5",
            "--centre 5001",
            "--centre 12 1-answered-inbound",
            "--centre 12 --listen 127.0.0.1:0",
            "--centre 12 --as-recorded",
            "--centre 12 --repeat 2",
            "--centre 12 --calls 0",
            "--centre 12 --calls 9 --lasts 1h",
            "--centre 12 --lasts 9",
            "--centre 12 --begin 5",
            "--calls 9",
            "--truth truth.jsonl",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
        assert_eq!(parse("--max-delay 1500ms").unwrap().max_delay, Duration::from_millis(1500));
        assert_eq!(parse("--instant").unwrap().speed(), Speed::INSTANT);
        assert!(!format!("{:?}", parse("")).contains("\"s\""));
        assert!(Cli::try_parse_from(["simulate"]).is_err());
        assert!(Cli::try_parse_from(["simulate", "--to", "-"]).is_ok());
    }

    #[test]
    fn options_are_checked_together_too() {
        for (bad, says) in [
            ("--stamps scaled --instant", "needs a speed"),
            ("--stamps scaled --speed 0", "needs a speed"),
            ("--stamps scaled --as-recorded", "exclude each other"),
            ("--centre 5000 --lasts 1000h", "50000000 calls"),
        ] {
            let why = parse(bad).unwrap().check().unwrap_err();
            assert!(why.contains(says), "{bad}: {why}");
        }
        for good in ["", "--instant", "--stamps scaled --speed 60", "--centre 6 --lasts 8h"] {
            parse(good).unwrap().check().unwrap();
        }
    }
}
