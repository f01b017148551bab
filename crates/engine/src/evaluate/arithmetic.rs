//! Arithmetic on floats, as Go does it.

use crate::decision::EvaluationError as Error;
use doorward_syntax::expression::Operator;

fn operator_error(operator: &'static str) -> Error {
    Error::OperatorType { operator }
}

/// `left operator right`.
pub(super) fn arithmetic(operator: Operator, left: f64, right: f64) -> Result<f64, Error> {
    let symbol = operator.symbol();
    Ok(match operator {
        Operator::Subtract => left - right,
        Operator::Multiply => left * right,
        Operator::Divide => left / right,
        Operator::Remainder => left % right,
        Operator::Power => left.powf(right),
        Operator::BitAnd => float(signed(left, symbol)? & signed(right, symbol)?),
        Operator::BitOr => float(signed(left, symbol)? | signed(right, symbol)?),
        Operator::BitXor => float(signed(left, symbol)? ^ signed(right, symbol)?),
        Operator::ShiftLeft => shift(left, right, symbol, u64::checked_shl)?,
        Operator::ShiftRight => shift(left, right, symbol, u64::checked_shr)?,
        _ => return Err(operator_error(symbol)),
    })
}

/// 2 to the 63rd: the first float that no longer fits a signed number.
const SIGNED_END: f64 = 9_223_372_036_854_775_808.0;

/// The number without its fraction; an error if it does not fit.
pub(super) fn signed(number: f64, operator: &'static str) -> Result<i64, Error> {
    if (-SIGNED_END..SIGNED_END).contains(&number) {
        #[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
        Ok(number as i64)
    } else {
        Err(operator_error(operator))
    }
}

/// A whole number as a float.
#[expect(clippy::cast_precision_loss, reason = "numbers of matchers are floats")]
pub(super) fn float(number: i64) -> f64 {
    number as f64
}

fn shift(
    left: f64,
    right: f64,
    symbol: &'static str,
    by: fn(u64, u32) -> Option<u64>,
) -> Result<f64, Error> {
    let unsigned = |number: f64| {
        if (0.0..SIGNED_END * 2.0).contains(&number) {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "the range is checked"
            )]
            Ok(number as u64)
        } else {
            Err(operator_error(symbol))
        }
    };
    let bits = unsigned(left)?;
    let count = u32::try_from(unsigned(right)?).unwrap_or(u32::MAX);
    #[expect(clippy::cast_precision_loss, reason = "numbers of matchers are floats")]
    Ok(by(bits, count).unwrap_or(0) as f64)
}
