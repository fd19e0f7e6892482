//! How many sessions could alert their user now, by what their pages say of themselves.

use crate::metrics::labels;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{family::Family, gauge::Gauge},
    registry::Registry,
};
use std::sync::Arc;

/// How many sessions there are of each kind.
pub(crate) struct Reach {
    alertable: Gauge,
    ways: Family<By, Gauge>,
    unknown: Family<Silent, Gauge>,
}

/// By what a user can be alerted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Way {
    Visible,
    Sound,
    Notifications,
}

/// Why it is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Why {
    Never,
    Stale,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct By {
    way: Way,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Silent {
    why: Why,
}

labels!(Way { Visible: "visible", Sound: "sound", Notifications: "notifications" });
labels!(Why { Never: "never", Stale: "stale" });

/// What is known of one session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It has not told yet.
    Never,
    /// It told so, lately.
    Told { visible: bool, sound: bool, notifications: bool },
    /// It told, long ago.
    Stale,
}

/// One session among those that are counted, until it is dropped.
pub(crate) struct Counted {
    reach: Arc<Reach>,
    standing: Standing,
}

impl Default for Reach {
    fn default() -> Self {
        let reach = Self { alertable: Gauge::default(), ways: Family::default(), unknown: Family::default() };
        // All of them are shown from the start.
        reach.count(Standing::Never, 0);
        reach.count(Standing::Stale, 0);
        reach.count(Standing::Told { visible: true, sound: true, notifications: true }, 0);
        reach
    }
}

impl Reach {
    fn count(&self, standing: Standing, by: i64) {
        let unknown = |why| self.unknown.get_or_create(&Silent { why }).inc_by(by);
        match standing {
            Standing::Never => _ = unknown(Why::Never),
            Standing::Stale => _ = unknown(Why::Stale),
            Standing::Told { visible, sound, notifications } => {
                let ways =
                    [(Way::Visible, visible), (Way::Sound, sound), (Way::Notifications, notifications)];
                for (way, _) in ways.into_iter().filter(|(_, is_there)| *is_there) {
                    self.ways.get_or_create(&By { way }).inc_by(by);
                }
                if visible || sound || notifications {
                    self.alertable.inc_by(by);
                }
            }
        }
    }

    pub(crate) fn name(&self, r: &mut Registry) {
        let text = "Sessions whose user can see, hear or be notified of a call now";
        r.register("sessions_alertable", text, self.alertable.clone());
        r.register("sessions_reach", "Sessions that can alert their user, by way", self.ways.clone());
        let text = "Sessions of which it is not known whether they can alert their user";
        r.register("sessions_reach_unknown", text, self.unknown.clone());
    }
}

impl Counted {
    /// A session that has not told yet.
    pub(crate) fn new(reach: Arc<Reach>) -> Self {
        reach.count(Standing::Never, 1);
        Self { reach, standing: Standing::Never }
    }

    /// What is known of it last.
    pub(crate) fn standing(&self) -> Standing {
        self.standing
    }

    /// From now on it is known to stand so.
    pub(crate) fn set(&mut self, standing: Standing) {
        if standing != self.standing {
            self.reach.count(self.standing, -1);
            self.reach.count(standing, 1);
            self.standing = standing;
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.reach.count(self.standing, -1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(reach: &Reach) -> [i64; 6] {
        let way = |way| reach.ways.get_or_create(&By { way }).get();
        let unknown = |why| reach.unknown.get_or_create(&Silent { why }).get();
        let ways = [way(Way::Visible), way(Way::Sound), way(Way::Notifications)];
        [ways[0], ways[1], ways[2], reach.alertable.get(), unknown(Why::Never), unknown(Why::Stale)]
    }

    #[test]
    fn a_session_is_counted_as_it_stands_and_not_after_its_end() {
        let reach = Arc::<Reach>::default();
        let mut session = Counted::new(reach.clone());
        let other = Counted::new(reach.clone());
        assert_eq!(counts(&reach), [0, 0, 0, 0, 2, 0]);
        let told = |visible, sound, notifications| Standing::Told { visible, sound, notifications };
        for (standing, expected) in [
            (told(true, true, false), [1, 1, 0, 1, 1, 0]),
            (told(true, true, false), [1, 1, 0, 1, 1, 0]),
            (told(false, false, true), [0, 0, 1, 1, 1, 0]),
            (told(false, false, false), [0, 0, 0, 0, 1, 0]),
            (Standing::Stale, [0, 0, 0, 0, 1, 1]),
            (told(false, true, false), [0, 1, 0, 1, 1, 0]),
        ] {
            session.set(standing);
            assert_eq!(counts(&reach), expected, "{standing:?}");
        }
        drop((session, other));
        assert_eq!(counts(&reach), [0; 6]);
    }
}
