//! The critical points that a network has, by the modalities learned there, and their names.

use super::Architecture;
use crate::data::Modality;

impl Architecture {
    /// Whether M_S is a critical point for the modalities S = `learned`.
    ///
    /// The gradient of every layer must vanish where the modalities outside S have zero maps. It
    /// does where each of them has a second private layer at zero; a single private layer
    /// still gets the gradient of the shared layers that the learned modalities hold up. With
    /// nothing learned the shared layers are at zero as well, and any second layer will do.
    pub fn has_saddle(&self, learned: &[usize]) -> bool {
        (0..self.modalities.len())
            .filter(|m| !learned.contains(m))
            .all(|m| match learned {
                [] => self.depth(m) >= 2,
                _ => self.fusion_layer(m) >= 2,
            })
    }

    /// The name of a critical point: M_0, M_A, M_AB, M_* for all modalities, `other` for none. Names of
    /// more than one letter are joined by +.
    pub fn saddle_name(&self, learned: Option<&[usize]>) -> String {
        let Some(learned) = learned else {
            return "other".into();
        };
        if learned.len() == self.modalities.len() {
            return "M_*".into();
        }
        if learned.is_empty() {
            return "M_0".into();
        }
        let name = |&m: &usize| self.modalities[m].name.as_str();
        let names: Vec<&str> = learned.iter().map(name).collect();
        let is_short = names.iter().all(|name| name.chars().count() == 1);
        format!("M_{}", names.join(if is_short { "" } else { "+" }))
    }

    /// The modalities of these places.
    pub fn named(&self, places: &[usize]) -> Vec<Modality> {
        places.iter().map(|&m| self.modalities[m].clone()).collect()
    }

    /// Sets S of modalities whose critical point M_S there is, smaller ones first: all of them, or
    /// where many modalities have too many, those of none, one and every modality.
    pub fn critical_sets(&self) -> Vec<Vec<usize>> {
        /// 64 sets.
        const MOST_MODALITIES: usize = 6;
        let count = self.modalities.len();
        let mut sets: Vec<Vec<usize>> = if count <= MOST_MODALITIES {
            let members = |set: usize| (0..count).filter(|m| set >> m & 1 == 1).collect();
            (0..1 << count).map(members).collect()
        } else {
            let alone = (0..count).map(|m| vec![m]);
            alone.chain([vec![], (0..count).collect()]).collect()
        };
        sets.retain(|learned| self.has_saddle(learned));
        sets.sort_by_key(Vec::len);
        sets
    }
}
