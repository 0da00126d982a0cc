"""ML-KEM-768 (FIPS 203) and X-Wing in plain Python, for the reader only: slow,
not constant time, and therefore no business of the programs."""
import hashlib

from cryptography.hazmat.primitives.asymmetric.x25519 import (
    X25519PrivateKey, X25519PublicKey)
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

Q, N, K, ETA, DU, DV = 3329, 256, 3, 2, 10, 4


def bitrev7(i):
    return int(f"{i:07b}"[::-1], 2)


ZETAS = [pow(17, bitrev7(i), Q) for i in range(128)]
GAMMAS = [pow(17, 2 * bitrev7(i) + 1, Q) for i in range(128)]


def shake128(data, n):
    return hashlib.shake_128(data).digest(n)


def prf(s, b):
    return hashlib.shake_256(s + bytes([b])).digest(64 * ETA)


def g(data):
    h = hashlib.sha3_512(data).digest()
    return h[:32], h[32:]


def bits_of(data):
    return [byte >> i & 1 for byte in data for i in range(8)]


def encode(d, poly):
    """ByteEncode_d, algorithm 5."""
    v = 0
    for i, x in enumerate(poly):
        v |= x << (d * i)
    return v.to_bytes(32 * d, "little")


def decode(d, data):
    """ByteDecode_d, algorithm 6."""
    v = int.from_bytes(data, "little")
    m = Q if d == 12 else 1 << d
    return [(v >> (d * i) & ((1 << d) - 1)) % m for i in range(N)]


def compress(d, poly):
    return [((x << d) + Q // 2) // Q % (1 << d) for x in poly]


def decompress(d, poly):
    return [(x * Q + (1 << (d - 1))) >> d for x in poly]


def sample_ntt(seed):
    """SampleNTT, algorithm 7."""
    out, n = [], 1024
    stream = shake128(seed, n)
    i = 0
    while len(out) < N:
        if i + 3 > n:
            n *= 2
            stream = shake128(seed, n)
        a, b, c = stream[i:i + 3]
        i += 3
        for x in (a + 256 * (b % 16), b // 16 + 16 * c):
            if x < Q and len(out) < N:
                out.append(x)
    return out


def sample_cbd(data):
    """SamplePolyCBD_2, algorithm 8."""
    b = bits_of(data)
    return [(b[4 * i] + b[4 * i + 1] - b[4 * i + 2] - b[4 * i + 3]) % Q
            for i in range(N)]


def ntt(f):
    """Algorithm 9."""
    f, i, size = list(f), 1, 128
    while size >= 2:
        for start in range(0, N, 2 * size):
            z = ZETAS[i]
            i += 1
            for j in range(start, start + size):
                t = z * f[j + size] % Q
                f[j], f[j + size] = (f[j] + t) % Q, (f[j] - t) % Q
        size //= 2
    return f


def intt(f):
    """Algorithm 10."""
    f, i, size = list(f), 127, 2
    while size <= 128:
        for start in range(0, N, 2 * size):
            z = ZETAS[i]
            i -= 1
            for j in range(start, start + size):
                t = f[j]
                f[j] = (t + f[j + size]) % Q
                f[j + size] = z * (f[j + size] - t) % Q
        size *= 2
    return [x * 3303 % Q for x in f]


def mul(f, h):
    """MultiplyNTTs, algorithm 11."""
    out = []
    for i in range(128):
        a0, a1, b0, b1 = f[2 * i], f[2 * i + 1], h[2 * i], h[2 * i + 1]
        out += [(a0 * b0 + a1 * b1 * GAMMAS[i]) % Q, (a0 * b1 + a1 * b0) % Q]
    return out


def add(*polys):
    return [sum(xs) % Q for xs in zip(*polys)]


def dot(u, v):
    return add(*[mul(a, b) for a, b in zip(u, v)])


def matrix(rho):
    return [[sample_ntt(rho + bytes([j, i])) for j in range(K)]
            for i in range(K)]


def keygen(d, z):
    """ML-KEM.KeyGen_internal: encapsulation key, decapsulation key."""
    rho, sigma = g(d + bytes([K]))
    a = matrix(rho)
    s = [ntt(sample_cbd(prf(sigma, i))) for i in range(K)]
    e = [ntt(sample_cbd(prf(sigma, K + i))) for i in range(K)]
    t = [add(dot(a[i], s), e[i]) for i in range(K)]
    ek = b"".join(encode(12, p) for p in t) + rho
    dk = b"".join(encode(12, p) for p in s)
    return ek, dk + ek + hashlib.sha3_256(ek).digest() + z


def pke_encrypt(ek, m, r):
    t = [decode(12, ek[384 * i:384 * i + 384]) for i in range(K)]
    a = matrix(ek[384 * K:])
    y = [ntt(sample_cbd(prf(r, i))) for i in range(K)]
    e1 = [sample_cbd(prf(r, K + i)) for i in range(K)]
    e2 = sample_cbd(prf(r, 2 * K))
    u = [add(intt(dot([a[j][i] for j in range(K)], y)), e1[i])
         for i in range(K)]
    mu = decompress(1, decode(1, m))
    v = add(intt(dot(t, y)), e2, mu)
    return (b"".join(encode(DU, compress(DU, p)) for p in u) +
            encode(DV, compress(DV, v)))


def pke_decrypt(dk, c):
    u = [decompress(DU, decode(DU, c[320 * i:320 * i + 320]))
         for i in range(K)]
    v = decompress(DV, decode(DV, c[320 * K:]))
    s = [decode(12, dk[384 * i:384 * i + 384]) for i in range(K)]
    w = [(x - y) % Q
         for x, y in zip(v, intt(dot(s, [ntt(p) for p in u])))]
    return encode(1, compress(1, w))


def decaps(dk, c):
    """ML-KEM.Decaps_internal, implicit rejection included."""
    ek, h, z = dk[1152:2336], dk[2336:2368], dk[2368:]
    m = pke_decrypt(dk[:1152], c)
    key, r = g(m + h)
    if pke_encrypt(ek, m, r) != c:
        return hashlib.shake_256(z + c).digest(32)
    return key


# ---- X-Wing ----

def xwing_keys(seed):
    d, z, x = (hashlib.shake_256(seed).digest(96)[i:i + 32]
               for i in (0, 32, 64))
    ek, dk = keygen(d, z)
    return ek, dk, x


def raw_public(x):
    return X25519PrivateKey.from_private_bytes(x).public_key().public_bytes(
        Encoding.Raw, PublicFormat.Raw)


def xwing_public(seed):
    ek, _, x = xwing_keys(seed)
    return ek + raw_public(x)


def xwing_decaps(seed, enc):
    _, dk, x = xwing_keys(seed)
    ct_m, ct_x = enc[:1088], enc[1088:]
    ss_x = X25519PrivateKey.from_private_bytes(x).exchange(
        X25519PublicKey.from_public_bytes(ct_x))
    return hashlib.sha3_256(decaps(dk, ct_m) + ss_x + ct_x + raw_public(x) +
                            bytes.fromhex("5c2e2f2f5e5c")).digest()
