//! Arithmetic on floats, and on whole numbers where bits are meant.

use doorward_syntax::expression::Operator;

use super::Failed;

/// `left operator right`.
pub(crate) fn calculate(operator: Operator, left: f64, right: f64) -> Result<f64, Failed> {
    Ok(match operator {
        Operator::Subtract => left - right,
        Operator::Multiply => left * right,
        Operator::Divide => left / right,
        Operator::Remainder => left % right,
        Operator::Power => left.powf(right),
        Operator::BitAnd => (whole(left)? & whole(right)?) as f64,
        Operator::BitOr => (whole(left)? | whole(right)?) as f64,
        Operator::BitXor => (whole(left)? ^ whole(right)?) as f64,
        Operator::ShiftLeft => match natural(right)? {
            count @ 0..64 => (natural(left)? << count) as f64,
            _ => natural(left).map(|_| 0.0)?,
        },
        Operator::ShiftRight => match natural(right)? {
            count @ 0..64 => (natural(left)? >> count) as f64,
            _ => natural(left).map(|_| 0.0)?,
        },
        _ => return Err(Failed::Plain),
    })
}

/// `~number`.
pub(crate) fn complement(number: f64) -> Result<f64, Failed> {
    Ok(!whole(number)? as f64)
}

/// The number without its fraction, if it has a place in 64 bits with a sign.
fn whole(number: f64) -> Result<i64, Failed> {
    let two_to_63 = 2_f64.powi(63);
    if number >= -two_to_63 && number < two_to_63 {
        Ok(number as i64)
    } else {
        Err(Failed::Plain)
    }
}

/// The number without its fraction, if it has a place in 64 bits without one.
fn natural(number: f64) -> Result<u64, Failed> {
    if number >= 0.0 && number < 2_f64.powi(64) {
        Ok(number as u64)
    } else {
        Err(Failed::Plain)
    }
}
