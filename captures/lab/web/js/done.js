// A page with nothing to do.
done();
