package jobs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// S3Options says where a bucket is. Tencent COS, Aliyun OSS, MinIO and others
// speak this protocol.
type S3Options struct {
	Endpoint string // https://cos.ap-shanghai.myqcloud.com
	Bucket   string
	Prefix   string // of all keys, with a slash at its end; "" for none
	Region   string // "": taken from the endpoint if it says so
	Key      string
	Secret   string
	// Transport is how the service is reached; nil for the usual way.
	Transport http.RoundTripper
	// Timeout bounds one call; 20 s if zero: a poster over a county's line.
	Timeout time.Duration
	Retries int // how often a call is tried; 3 if zero. The ledger tries again later.
}

// S3 is a Store in a bucket.
type S3 struct {
	client  *minio.Client
	o       S3Options
	timeout time.Duration
}

// regions finds the region in the endpoints of COS and OSS, which sign with it.
var regions = regexp.MustCompile(`^(?:cos\.([a-z0-9-]+)\.myqcloud\.com|oss-([a-z0-9-]+?)(?:-internal)?\.aliyuncs\.com|s3[.-]([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?)$`)

// region gives what to sign with.
func (o S3Options) region(host string) string {
	if o.Region != "" {
		return o.Region
	}
	if m := regions.FindStringSubmatch(host); m != nil {
		return m[1] + m[2] + m[3]
	}
	return "us-east-1" // what services without regions expect
}

// OpenS3 gives the store of a bucket, which must be there already. Nothing is
// sent yet.
func OpenS3(o S3Options) (*S3, error) {
	u, err := url.Parse(o.Endpoint)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || strings.Trim(u.Path, "/") != "" {
		return nil, fmt.Errorf("S3: the endpoint %q should read https://host", o.Endpoint)
	}
	if o.Prefix != "" && !strings.HasSuffix(o.Prefix, "/") {
		return nil, fmt.Errorf("S3: the prefix %q should end in a slash", o.Prefix)
	}
	// COS and OSS know a bucket by a name before the host only; services on one
	// machine by a path only.
	lookup := minio.BucketLookupDNS
	if _, err := netip.ParseAddr(u.Hostname()); err == nil || !strings.Contains(u.Hostname(), ".") {
		lookup = minio.BucketLookupPath
	}
	if o.Transport == nil {
		o.Transport = &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			DialContext:         (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
			TLSHandshakeTimeout: 5 * time.Second, ResponseHeaderTimeout: 15 * time.Second, IdleConnTimeout: time.Minute,
			MaxIdleConnsPerHost: parallel, DisableCompression: true,
		}
	}
	if o.Retries <= 0 {
		o.Retries = 3
	}
	client, err := minio.New(u.Host, &minio.Options{
		Creds: credentials.NewStaticV4(o.Key, o.Secret, ""), Secure: u.Scheme == "https", Transport: o.Transport,
		Region: o.region(u.Hostname()), BucketLookup: lookup, MaxRetries: o.Retries,
	})
	if err != nil {
		return nil, fmt.Errorf("S3: %w", err)
	}
	s := &S3{client: client, o: o, timeout: o.Timeout}
	if s.timeout <= 0 {
		s.timeout = 20 * time.Second
	}
	return s, nil
}

func (s *S3) String() string { return "对象存储 " + s.o.Bucket }

// name is a key's whole name in the bucket.
func (s *S3) name(key string) (string, error) {
	if len(key) > 200 || !keyPattern.MatchString(key) {
		return "", fmt.Errorf("publish: %q is no key", key)
	}
	return s.o.Prefix + key, nil
}

// Get reads an object.
func (s *S3) Get(ctx context.Context, key string, most int64) ([]byte, error) {
	name, err := s.name(key)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	o, err := s.client.GetObject(ctx, s.o.Bucket, name, minio.GetObjectOptions{})
	if err != nil {
		return nil, s.fault(err)
	}
	defer o.Close()
	b, err := readMost(o, most)
	if err != nil {
		return nil, s.fault(err)
	}
	return b, nil
}

// Put writes an object at once. Its size is known, and its sum travels in
// Content-MD5, so a service refuses what arrived by half. The body is not signed
// in pieces: OSS refuses that, and some servers keep the signatures as text.
func (s *S3) Put(ctx context.Context, o Object) error {
	name, err := s.name(o.Key)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	_, err = s.client.PutObject(ctx, s.o.Bucket, name, bytes.NewReader(o.Body), int64(len(o.Body)), minio.PutObjectOptions{
		ContentType: o.Type, CacheControl: o.Cache, DisableMultipart: true, DisableContentSha256: true, SendContentMd5: true,
	})
	return s.fault(err)
}

// Delete removes an object.
func (s *S3) Delete(ctx context.Context, key string) error {
	name, err := s.name(key)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	if err := s.fault(s.client.RemoveObject(ctx, s.o.Bucket, name, minio.RemoveObjectOptions{})); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Sizes lists the objects below the prefix.
func (s *S3) Sizes(ctx context.Context) (map[string]int64, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	sizes := map[string]int64{}
	for o := range s.client.ListObjects(ctx, s.o.Bucket, minio.ListObjectsOptions{Prefix: s.o.Prefix, Recursive: true}) {
		if o.Err != nil {
			return nil, s.fault(o.Err)
		}
		sizes[strings.TrimPrefix(o.Key, s.o.Prefix)] = o.Size
	}
	return sizes, nil
}

// Flush has nothing to do: a service keeps what it has acknowledged.
func (s *S3) Flush(context.Context) error { return nil }

// CloudError says in plain words what a bucket's operator has to do.
type CloudError struct {
	Msg string
	Err error
}

func (e *CloudError) Error() string { return e.Msg }

// Unwrap gives what the service said.
func (e *CloudError) Unwrap() error { return e.Err }

// cloudWords says what the codes of S3 mean to an operator.
var cloudWords = map[string]string{
	"NoSuchBucket":          "没有这个存储桶，检查 S3_BUCKET（腾讯云的要带后面的数字）和 S3_ENDPOINT 的地域",
	"AccessDenied":          "密钥没有写这个存储桶的权限，给它读、写、删、列四项权限",
	"InvalidAccessKeyId":    "S3_ACCESS_KEY 不对，检查有没有抄错、停用",
	"SignatureDoesNotMatch": "S3_SECRET_KEY 不对，检查有没有抄错",
	"RequestTimeTooSkewed":  "这台机器的时间不准，和云存储差了 15 分钟以上，先校时（timedatectl set-ntp true）",
	"QuotaExceeded":         "存储空间用完了，扩容或清理",
}

// fault says what went wrong; what is not there is fs.ErrNotExist.
func (s *S3) fault(err error) error {
	if err == nil {
		return nil
	}
	code := minio.ToErrorResponse(err).Code
	if code == "NoSuchKey" {
		return fmt.Errorf("%s: %w", code, fs.ErrNotExist)
	}
	if words := cloudWords[code]; words != "" {
		return &CloudError{words, err}
	}
	if u := (*url.Error)(nil); errors.As(err, &u) || errors.Is(err, context.DeadlineExceeded) {
		return &CloudError{"连不上云存储，检查网络和 S3_ENDPOINT", err}
	}
	if code != "" {
		return &CloudError{"云存储出错（" + code + "），稍后会再试", err}
	}
	return err
}
