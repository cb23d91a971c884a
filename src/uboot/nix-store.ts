/** Where NixOS keeps its systems, seen from its root. */

export const STORE = 'nix/store/'
export const PROFILES = 'nix/var/nix/profiles'
