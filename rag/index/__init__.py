"""What is searched: terms and vectors of the catalogue, embedded or in Pinecone."""
