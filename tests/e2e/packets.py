"""What was said in packets: Ethernet frames, as who listens on a network has them, in the order in which they were sent."""
import collections
import struct

SYN, IPV4, TCP = 2, 0x0800, 6


def streams(packets):
    """(from port, to port, number) -> what was said that way on a TCP connection, put together."""
    parts, lives = collections.defaultdict(list), collections.Counter()
    for packet in packets:
        if struct.unpack_from("!H", packet, 12)[0] != IPV4 or packet[14 + 9] != TCP:
            continue
        tcp = 14 + 4 * (packet[14] & 15)
        ports, seq, offset, flags = struct.unpack_from("!HH", packet, tcp), *struct.unpack_from("!I4xBB", packet, tcp + 4)
        if flags & SYN:
            lives[ports] += 1
            seq += 1
        parts[(*ports, lives[ports])].append((seq, packet[tcp + 4 * (offset >> 4) :]))
    said = {}
    for key, list_of_parts in parts.items():
        first, stream = list_of_parts[0][0], bytearray()
        for at, data in sorted(((seq - first) % (1 << 32), data) for seq, data in list_of_parts if data):
            assert at <= len(stream), f"{key}: {at - len(stream)} bytes are missing"
            stream[at:] = data if len(stream) < at + len(data) else stream[at:]
        said[key] = bytes(stream)
    return said


def read_pcap(data):
    """The frames of a capture, as gx-forward writes it; of one that still goes on those that are whole."""
    frames, at = [], 24
    while at + 16 <= len(data):
        n = struct.unpack_from("<8xI", data, at)[0]
        if at + 16 + n > len(data):
            break
        frames.append(data[at + 16 : at + 16 + n])
        at += 16 + n
    return frames
