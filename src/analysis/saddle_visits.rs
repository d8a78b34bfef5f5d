//! How near a trajectory comes to each saddle, how often and for how long.
//!
//! The distance from a critical point M_S is that of the outputs from those of its map, half their
//! mean square difference (the metric of the loss), as a share of the learnable loss. A visit lasts
//! from a step within `share` of M_S to the next one outside, of the steps that are looked at
//! ([`crate::descent::descend`]).

use crate::data::Modality;
use crate::trajectory::Knot;
use crate::trajectory::Observables;
use serde::Serialize;

/// The visits to one critical point.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Visits {
    /// M_0, M_A, ..., M_*.
    pub saddle: String,
    /// The modalities that are learned there.
    pub learned: Vec<Modality>,
    /// The least distance.
    pub least_distance: f64,
    /// When that was.
    pub time: f64,
    /// Number of visits.
    #[serde(rename = "visits")]
    pub count: u64,
    /// Time spent in them together.
    pub duration: f64,
}

/// Follows a trajectory step by step.
#[derive(Debug)]
pub struct Visitor<'a> {
    observables: Observables<'a>,
    share: f64,
    places: Vec<Place>,
    /// Time of the last step.
    last: f64,
}

#[derive(Debug)]
struct Place {
    map: Vec<f64>,
    is_inside: bool,
    visits: Visits,
}

impl<'a> Visitor<'a> {
    /// A visitor of the critical points that the architecture has.
    pub fn new(observables: Observables<'a>, share: f64) -> Self {
        let sets = observables.architecture.critical_sets();
        let place = |learned: Vec<usize>| Place {
            map: observables.critical_map(&learned).as_slice().to_vec(),
            is_inside: false,
            visits: Visits {
                saddle: observables.architecture.saddle_name(Some(&learned)),
                learned: observables.architecture.named(&learned),
                least_distance: f64::INFINITY,
                time: 0.0,
                count: 0,
                duration: 0.0,
            },
        };
        Self {
            places: sets.into_iter().map(place).collect(),
            observables,
            share,
            last: 0.0,
        }
    }

    /// Takes in a step.
    pub fn pass(&mut self, knot: &Knot) {
        let learnable = self.observables.learnable_loss();
        for place in &mut self.places {
            let distance = self.observables.distance(knot, &place.map) / learnable;
            let visits = &mut place.visits;
            if distance < visits.least_distance {
                visits.least_distance = distance;
                visits.time = knot.time;
            }
            if place.is_inside {
                visits.duration += knot.time - self.last;
            }
            let is_inside = distance <= self.share;
            visits.count += u64::from(is_inside && !place.is_inside);
            place.is_inside = is_inside;
        }
        self.last = knot.time;
    }

    /// The visits to each critical point.
    pub fn finish(self) -> Vec<Visits> {
        self.places.into_iter().map(|place| place.visits).collect()
    }
}
