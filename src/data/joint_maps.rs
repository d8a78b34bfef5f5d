//! Least-squares maps of some modalities alone, each solved for once.

use nalgebra::DMatrix;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Maps by the places of the modalities. They follow from the moments that they belong to: to have solved for them
/// or not makes no difference between moments, and a copy begins with none.
#[derive(Debug, Default)]
pub(super) struct JointMaps(Mutex<BTreeMap<Vec<usize>, DMatrix<f64>>>);

impl JointMaps {
    /// The map of these modalities, which `solve` finds where it is asked for first. Whoever else asks meanwhile
    /// waits for it.
    pub(super) fn get(
        &self,
        modalities: &[usize],
        solve: impl FnOnce() -> DMatrix<f64>,
    ) -> DMatrix<f64> {
        let mut maps = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        maps.entry(modalities.to_vec())
            .or_insert_with(solve)
            .clone()
    }
}

impl Clone for JointMaps {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl PartialEq for JointMaps {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn each_set_is_solved_for_once() {
        let (maps, solved) = (JointMaps::default(), Cell::new(0));
        let of = |set: &[usize]| {
            maps.get(set, || {
                solved.set(solved.get() + 1);
                DMatrix::from_element(1, set.len(), solved.get() as f64)
            })
        };
        let (first, second) = (of(&[0, 1]), of(&[0, 2]));
        assert_eq!((of(&[0, 1]), of(&[0, 2])), (first, second));
        assert_eq!(solved.get(), 2);
    }
}
