# What an image can be for, and what the boards differ in: how they boot, the version of a Raspberry Pi, serial ports,
# and the kernel modules that lead to the disk.
let
  # The serial port on the pins is ttyS1 to Linux and ttyS0 to the Raspberry Pi's own kernel; ttyAMA0 is the other one,
  # which Bluetooth usually has.
  pi34Ports = [
    "ttyAMA0"
    "ttyS0"
    "ttyS1"
  ];
  # Disks and keyboards on USB, and the screen.
  piModules = [
    "uas"
    "usb_storage"
    "usbhid"
    "vc4"
  ];
  # The USB controller of a Pi 4 is behind PCI Express, and its firmware is loaded by resetting it.
  pcieModules = [
    "pcie-brcmstb"
    "reset-raspberrypi"
  ];
in
{
  raspberry-pi-3 = {
    pi = 3;
    serialPorts = pi34Ports;
    initrdModules = _: piModules;
  };
  raspberry-pi-4 = {
    pi = 4;
    serialPorts = pi34Ports;
    initrdModules = _: piModules ++ pcieModules;
  };
  raspberry-pi-5 = {
    pi = 5;
    serialPorts = [ "ttyAMA10" ];
    # USB is in the RP1, whose drivers Linux has since 6.18; the Raspberry Pi's own kernel has them under other names.
    initrdModules =
      { lib, kernel }:
      piModules
      ++ pcieModules
      ++ [
        "nvme"
        "sdhci-brcmstb"
      ]
      ++ lib.optionals (kernel.pname or "linux" == "linux" && lib.versionAtLeast kernel.version "6.18") [
        "clk-rp1"
        "pinctrl-rp1"
        "rp1_pci"
      ];
  };
  uefi = {
    pi = null;
    serialPorts = [
      "ttyS0"
      "ttyAMA0"
    ];
    initrdModules = _: [ ];
  };
}
