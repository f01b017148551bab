//! Prints generated cases, for now.

use doorward_engine::{Engine, Model, Policy};

fn main() {
    let (mut model_refused, mut policy_refused, mut ok) = (0, 0, 0);
    for seed in 0..2000 {
        let case = doorward_yardstick::generator::case(seed);
        match Model::parse(&case.model) {
            Err(error) => {
                model_refused += 1;
                println!("{error}\n{}", case.model);
            }
            Ok(model) => match Engine::compile(
                &model,
                &Policy::parse_csv(&case.policy).unwrap(),
                &case.settings,
            ) {
                Err(error) => {
                    policy_refused += 1;
                    println!("policy {error}\n");
                }
                Ok(_) => ok += 1,
            },
        }
    }
    println!("{model_refused} {policy_refused} {ok}");
}
