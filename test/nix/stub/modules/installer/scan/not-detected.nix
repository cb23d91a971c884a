# Nixpkgs has here what a machine without hardware of its own needs.
{ }
