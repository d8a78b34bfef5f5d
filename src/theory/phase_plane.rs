//! The balanced flow in the plane of the total maps: how fast they change, from the maps alone.

use super::coordinates::gain;
use crate::data::Moments;
use crate::network::{Architecture, Fusion};

/// d W_m^tot / dt of scalar inputs and one output in the flow of balanced rank-one weights of a
/// linear network, which small initial weights become (sections on the two-layer networks and on
/// the reduction of intermediate and late fusion).
///
/// With L layers of which S are shared, private layers of norm u_m and shared ones of norm v,
/// v^2 = sum_m u_m^2, the maps are W_m = ±v^S u_m^{L-S}, from which the norms follow, and
///
/// ```text
/// dW_m/dt = S v^{2S-2} W_m' sum_k W_k' G_k + (L-S) v^{2S} u_m^{2(L-S)-2} G_m
/// W_m' = ±u_m^{L-S}        G = S_yx - W S_xx
/// ```
///
/// For early fusion this is |W|^{2-2/L} [G + (L-1) w w^T G] with the unit vector w = W/|W|.
///
/// Factors on the learning rates are other maps of other inputs (`coordinates.rs`): with the gain g_m = c_m^{(L-S)/2}
/// the norms are those of W_m/g_m, and G_m and dW_m/dt are multiplied by g_m each. Weight decay mu takes
/// mu (S + (L-S) c_m) W_m off.
///
/// None for inputs or outputs that are not scalar, and for stacks of unequal depth.
pub fn map_rate(moments: &Moments, architecture: &Architecture, map: &[f64]) -> Option<Vec<f64>> {
    let fusion = architecture.fusion()?;
    let count = moments.modalities.len();
    if moments.outputs_len() > 1 || moments.inputs_len() != count || map.len() != count {
        return None;
    }
    let residual = |m: usize| {
        let explained: f64 = (0..count)
            .map(|k| map[k] * moments.inputs.entry(k, m))
            .sum();
        gain(architecture, m) * (moments.cross[(0, m)] - explained)
    };
    let residuals: Vec<f64> = (0..count).map(residual).collect();
    let scaled = |m: usize| match gain(architecture, m) {
        0.0 => 0.0,
        gain => map[m] / gain,
    };
    let scaled: Vec<f64> = (0..count).map(scaled).collect();
    let norms = private_norms(&scaled, fusion);
    let shared: f64 = norms.iter().map(|u| u * u).sum::<f64>().sqrt();
    let (private_layers, shared_layers) = (fusion.layer as i32, fusion.shared_layers() as i32);
    let stack = |m: usize| map[m].signum() * norms[m].powi(private_layers);
    let along: f64 = (0..count).map(|m| stack(m) * residuals[m]).sum();
    let rate = |m: usize| {
        let private = f64::from(private_layers)
            * shared.powi(2 * shared_layers)
            * norms[m].powi(2 * private_layers - 2)
            * residuals[m];
        let common = match shared_layers {
            0 => 0.0,
            layers => f64::from(layers) * shared.powi(2 * layers - 2) * stack(m) * along,
        };
        let layers = f64::from(shared_layers)
            + f64::from(private_layers) * architecture.stack_rate_factor(m);
        gain(architecture, m) * (private + common) - architecture.weight_decay * layers * map[m]
    };
    Some((0..count).map(rate).collect())
}

/// The norms u_m with |W_m| = v^S u_m^{L-S}: their ratios are those of the maps' roots, and the
/// largest one follows from its map.
fn private_norms(map: &[f64], fusion: Fusion) -> Vec<f64> {
    let root = |m: usize| map[m].abs().powf(1.0 / fusion.layer as f64);
    let roots: Vec<f64> = (0..map.len()).map(root).collect();
    let squares: f64 = roots.iter().map(|root| root * root).sum();
    if squares == 0.0 {
        return vec![0.0; map.len()];
    }
    // u_m = c roots_m, with c^L squares^{S/2} = 1.
    let shared = fusion.shared_layers() as f64;
    let scale = squares.powf(-0.5 * shared / fusion.depth as f64);
    roots.iter().map(|root| scale * root).collect()
}
