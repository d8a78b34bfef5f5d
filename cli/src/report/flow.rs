//! The flow in the report: how it ended, what it cost, and how it was verified.

use super::format::{NONE, number, number_to, percent, push_wrapped};
use super::learned::push_learned;
use modalflow::experiment::agreement::Disagreement;
use modalflow::experiment::summary::{FlowSummary, Summary};
use modalflow::experiment::verify::Verification;
use std::fmt::Write;

/// The section of the flow.
pub(super) fn push_flow(text: &mut String, summary: &Summary<'_>) {
    let flow = &summary.flow;
    let _ = writeln!(
        text,
        "\nflow ({}): {}\n  t = {}, loss {}, {} steps ({} rejected), {} evaluations{}, balancedness drift {}",
        flow.method,
        flow.outcome.sentence(),
        number(flow.t_end),
        number(flow.final_loss),
        flow.steps,
        flow.rejected_steps,
        flow.rhs_evaluations,
        krylov(flow),
        flow.balancedness_drift
            .map_or(NONE.into(), |drift| format!("{drift:.1e}")),
    );
    push_accuracy(text, flow);
    if let Some(stalled) = &flow.stalled {
        push_wrapped(text, &format!("it rests: {}", stalled.reason));
    }
    let reduction = &flow.reduction;
    if let (Some(weights), Some(bound)) = (reduction.reduced_weights, reduction.error_bound) {
        let _ = writeln!(
            text,
            "  integrated as a network of {weights} weights instead of {}, estimated error {bound:.0e}",
            reduction.full_weights
        );
    }
    push_verification(text, summary.verification);
    if let Some(accuracy) = flow.accuracy {
        let right = percent(Some(accuracy));
        let _ = writeln!(
            text,
            "  accuracy at the end {}: samples whose class has the largest output",
            right.trim_start_matches('+')
        );
    }
    if let Some(share) = flow.linear_share {
        let _ = writeln!(
            text,
            "  maps are the best linear fit, which explains {} of the outputs' power at the end",
            percent(Some(share)).trim_start_matches('+')
        );
    }
    push_learned(text, summary.learned);
    let ends_on = summary
        .plateaus
        .last()
        .map(|summary| summary.plateau)
        .filter(|plateau| plateau.exit.is_none());
    // What a network that is not linear can still learn is not known.
    let unfinished = |saddle: &str| saddle != "M_*" && flow.linear_share.is_none();
    if let Some(plateau) = ends_on.filter(|plateau| unfinished(&plateau.saddle)) {
        let _ = writeln!(
            text,
            "  the run ends on the plateau of {}: not everything is learned",
            plateau.saddle
        );
    }
}

/// What is known of the accuracy beyond the tolerance of the steps.
fn push_accuracy(text: &mut String, flow: &FlowSummary<'_>) {
    if let Some(drift) = flow.balancedness_drift_own {
        let _ = writeln!(
            text,
            "  conserved matrices drift by {drift:.1e} of their own size; trajectory kept to {:.0e}",
            flow.track_tolerance
        );
    } else {
        let _ = writeln!(text, "  trajectory kept to {:.0e}", flow.track_tolerance);
    }
}

fn push_verification(text: &mut String, verification: Option<&Verification>) {
    let Some(check) = verification else { return };
    let gap = |gap: Option<f64>| gap.map_or(NONE.into(), |gap| format!("{gap:.1e}"));
    let network = if check.reduced {
        "the reduced"
    } else {
        "the full"
    };
    if !check.outcome.is_success() {
        let _ = writeln!(
            text,
            "  not verified: the check by {} on {network} network {}, at t = {}",
            check.method,
            check.outcome.sentence(),
            number(check.t_end)
        );
        return;
    }
    let _ = writeln!(
        text,
        "  verified by {} on {network} network at rtol {:.0e}, {} steps: loss differs by at most {:.1e}, maps by \
         {},\n    t_first by {}, t_second by {} (relative)",
        check.method,
        check.rtol,
        check.steps,
        check.max_loss_gap,
        gap(check.max_map_gap),
        gap(check.t_first_gap),
        gap(check.t_second_gap)
    );
    if let Some(largest) = &check.largest {
        push_wrapped(text, &format!("  {}", judgement(largest)));
    }
    if !check.is_complete {
        let end = number(check.t_end);
        push_wrapped(
            text,
            &format!("  no judgement: the check ended at t = {end}, before the run did"),
        );
    }
}

/// Whether two runs agree, in a sentence.
pub fn judgement(largest: &Disagreement) -> String {
    let Disagreement {
        quantity, allowed, ..
    } = largest;
    let excess = number_to(2, largest.excess());
    match largest.excess() <= 1.0 {
        true => format!(
            "the two runs agree: the largest disagreement, in {quantity}, is {excess} of the {allowed:.1e} that their \
             tolerances allow"
        ),
        false => format!(
            "the two runs disagree: in {quantity} by {excess} times the {allowed:.1e} that their tolerances allow"
        ),
    }
}

fn krylov(flow: &FlowSummary<'_>) -> String {
    let sizes = flow.krylov_mean.zip(flow.krylov_max);
    sizes.map_or(String::new(), |(mean, max)| {
        format!(
            ", {} Hessian products (Krylov dimension {mean:.1}, at most {max})",
            flow.hessian_products
        )
    })
}
