//! IP addresses and blocks, read as Go's `net` package reads them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::PatternError;

/// An address, or a block of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IpPattern {
    /// The first address of the block; IPv4 in IPv6 form counts as IPv4.
    pub address: IpAddr,
    /// Leading bits that count, of 32 or 128.
    pub bits: u8,
}

/// Reads an address. IPv4 in IPv6 form counts as IPv4.
pub fn address(text: &str) -> Option<IpAddr> {
    text.parse::<IpAddr>()
        .ok()
        .map(|address| address.to_canonical())
}

/// Reads `address/bits` or an address alone.
pub fn parse(text: &str) -> Result<IpPattern, PatternError> {
    let pattern = match text.split_once('/') {
        Some((first, bits)) => block(first, bits),
        None => address(text).map(|address| IpPattern {
            bits: if address.is_ipv4() { 32 } else { 128 },
            address,
        }),
    };
    pattern.ok_or_else(|| {
        PatternError("neither an ip address nor an address block such as 10.0.0.0/8".to_owned())
    })
}

fn block(first: &str, bits: &str) -> Option<IpPattern> {
    if bits.is_empty() || !bits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let bits: u8 = bits.parse().ok()?;
    match first.parse().ok()? {
        IpAddr::V4(address) if bits <= 32 => Some(IpPattern {
            address: IpAddr::V4(mask4(address, bits)),
            bits,
        }),
        IpAddr::V6(address) if bits <= 128 => {
            let masked = mask6(address, bits);
            Some(match (masked.to_ipv4_mapped(), bits.checked_sub(96)) {
                (Some(address), Some(bits)) => IpPattern {
                    address: IpAddr::V4(address),
                    bits,
                },
                _ => IpPattern {
                    address: IpAddr::V6(masked),
                    bits,
                },
            })
        }
        _ => None,
    }
}

fn mask4(address: Ipv4Addr, bits: u8) -> Ipv4Addr {
    let host = u32::MAX.checked_shr(u32::from(bits)).unwrap_or(0);
    Ipv4Addr::from_bits(address.to_bits() & !host)
}

fn mask6(address: Ipv6Addr, bits: u8) -> Ipv6Addr {
    let host = u128::MAX.checked_shr(u32::from(bits)).unwrap_or(0);
    Ipv6Addr::from_bits(address.to_bits() & !host)
}

impl IpPattern {
    /// The block of that many leading bits that an address lies in, none if
    /// an address of its family has fewer bits.
    pub fn around(address: IpAddr, bits: u8) -> Option<Self> {
        let address = match address {
            IpAddr::V4(address) if bits <= 32 => IpAddr::V4(mask4(address, bits)),
            IpAddr::V6(address) if bits <= 128 => IpAddr::V6(mask6(address, bits)),
            _ => return None,
        };
        Some(Self { address, bits })
    }

    /// Whether the address is in the block. An IPv4 address is never in an
    /// IPv6 block, nor the other way round.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(first), IpAddr::V4(address)) => mask4(address, self.bits) == first,
            (IpAddr::V6(first), IpAddr::V6(address)) => mask6(address, self.bits) == first,
            _ => false,
        }
    }
}
