//! What is known of the values of a mapping before there is a request.

use doorward_engine::{Kinds, ValueType};

use crate::attribute::{Attribute, PropertyType};
use crate::derived::DerivedFact;
use crate::entry::Entry;
use crate::expression::Literal;
use crate::time::TimePart;

/// What an attribute is, where it is there.
pub(crate) fn of_attribute(attribute: &Attribute) -> Kinds {
    match attribute {
        Attribute::Path
        | Attribute::UrlPath
        | Attribute::Query
        | Attribute::Host
        | Attribute::Scheme
        | Attribute::Method
        | Attribute::Header(_)
        | Attribute::QueryParameter(_)
        | Attribute::GrpcService
        | Attribute::GrpcMethod
        | Attribute::Principal
        | Attribute::Derived(
            DerivedFact::Peer(_) | DerivedFact::ClientAddress | DerivedFact::Time(TimePart::Date),
        ) => Kinds::TEXT,
        Attribute::Size
        | Attribute::Derived(DerivedFact::Time(
            TimePart::Hour | TimePart::Minute | TimePart::Weekday | TimePart::Unix,
        )) => Kinds::NUMBER,
        // Whatever the issuer puts there.
        Attribute::Claim(_) => Kinds::ANY,
        Attribute::Claims => Kinds::OBJECT,
        Attribute::Property(property) => match property.property_type {
            PropertyType::Text | PropertyType::PlainText => Kinds::TEXT,
            PropertyType::Integer | PropertyType::Time => Kinds::NUMBER,
            PropertyType::Bool => Kinds::BOOL,
            // Whatever whoever wrote the metadata puts there.
            PropertyType::Metadata(_) => Kinds::ANY,
        },
    }
}

/// What a literal is.
pub(crate) fn of_literal(literal: &Literal) -> Kinds {
    match literal {
        Literal::Text(_) => Kinds::TEXT,
        Literal::Number(_) => Kinds::NUMBER,
        Literal::Bool(_) => Kinds::BOOL,
    }
}

/// What an entry is. Of the members of a token's claims nothing is known.
pub(crate) fn of_entry(entry: &Entry) -> ValueType {
    match entry {
        Entry::Expression(expression) => expression.kinds().into(),
        Entry::Object(members) => ValueType {
            kinds: Kinds::OBJECT,
            members: Some(
                members
                    .iter()
                    .map(|(name, entry)| (name.clone(), of_entry(entry)))
                    .collect(),
            ),
        },
    }
}
