//! What a play consists of, part by part: scenarios one after the other, or a day in a call centre. A part is
//! planned when it begins, and an event of the centre becomes JSON only when it is sent: there may be a million.

use super::{
    centre::{Clock, Day, Event},
    error::SimulatorError,
    faults::{Faults, Planned},
    phone::TENANT,
    play::Play,
    scenario::{Cast, Scenario, Step},
    webhook::Micros,
};
use rand::{SeedableRng, rngs::StdRng};
use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::Path,
};

/// The events of a part, in the order of sending.
pub(super) type Part = Box<dyn Iterator<Item = Planned> + Send>;

/// Everything that is to be played.
pub(super) struct Program<'a> {
    options: &'a Play,
    faults: Faults,
    random: StdRng,
    what: What,
}

enum What {
    Scenarios {
        all: Vec<Scenario>,
        cast: Cast,
        /// How many have been played.
        played: usize,
    },
    /// None when it has been played.
    Centre(Option<Box<Day>>),
}

impl<'a> Program<'a> {
    pub(super) fn new(options: &'a Play) -> Result<Self, SimulatorError> {
        let what = match options.centre.centre {
            None => What::Scenarios { all: options.scenarios()?, cast: Cast::default(), played: 0 },
            Some(extensions) => {
                let day = Day::of(extensions, options.centre.extent(), options.seed);
                What::Centre(Some(Box::new(day)))
            }
        };
        let random = StdRng::seed_from_u64(options.seed);
        Ok(Self { options, faults: options.faults(), random, what })
    }

    /// The next part, which begins now; none when all has been played.
    pub(super) fn next(&mut self, now: impl Fn() -> Micros) -> Result<Option<Part>, SimulatorError> {
        let Self { options, faults, random, what } = self;
        match what {
            What::Scenarios { all, cast, played } => {
                if *played == all.len() * options.repeat as usize {
                    return Ok(None);
                }
                let place = *played % all.len();
                if place == 0 {
                    *cast = Cast::default();
                }
                *played += 1;
                let steps = match options.as_recorded {
                    true => all[place].as_recorded(options.speed()),
                    false => all[place].script(cast, options.speed(), options.stamps, now()),
                };
                Ok(Some(Box::new(faults.plan(steps, random).into_iter())))
            }
            What::Centre(day) => {
                day.take().map(|day| options.part_of_centre(day, faults, random, now)).transpose()
            }
        }
    }
}

impl Play {
    /// The tenant of the call centre, or of the phones.
    pub(super) fn tenant(&self) -> &str {
        self.tenant.as_deref().unwrap_or(TENANT)
    }

    /// A day that begins now, of which the truth is written first.
    fn part_of_centre(
        &self,
        day: Box<Day>,
        faults: &Faults,
        random: &mut StdRng,
        now: impl Fn() -> Micros,
    ) -> Result<Part, SimulatorError> {
        let events = day.events();
        let (clock, tenant) = (self.clock(&day, &events, now()), self.tenant().to_owned());
        if let Some(path) = &self.centre.truth {
            let written = write_truth(path, &day, &tenant, &clock);
            written.map_err(|source| SimulatorError::Truth { path: path.clone(), source })?;
        }
        let step = |event| Step { at: clock.sends(day.times(event).1), webhook: event };
        let plan = faults.plan(events.into_iter().map(step).collect(), random);
        Ok(Box::new(plan.into_iter().map(move |Planned { at, webhook: event, copy }| Planned {
            at,
            webhook: day.webhook(event, &tenant, &clock),
            copy: copy || event.is_copy,
        })))
    }

    /// Which timestamps the day has.
    fn clock(&self, day: &Day, events: &[Event], now: Micros) -> Clock {
        let (speed, stamps) = (self.speed(), self.stamps);
        let begin = match &self.to {
            Some(_) => Some(self.centre.begin_of_file()),
            None => self.centre.begin,
        };
        match begin {
            Some(begin) => Clock { begin, speed, stamps },
            None => Clock::of_now(events.iter().map(|event| day.times(*event)), speed, stamps, now),
        }
    }
}

fn write_truth(path: &Path, day: &Day, tenant: &str, clock: &Clock) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    for line in day.truth(tenant, clock) {
        writeln!(file, "{line}")?;
    }
    file.flush()
}
